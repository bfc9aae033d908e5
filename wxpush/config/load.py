"""Which account is meant: chosen from the environment and config.yaml, its secret fetched."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from wxpush.config.account import (
    WECHAT_API,
    Account,
    CallbackKeys,
    Fault,
    OutsideToken,
    TokenKind,
    aes_key_fault,
    api_base_fault,
    appid_fault,
    callback_token_fault,
    header_fault,
    is_loopback,
    proxy_fault,
    secret_fault,
)
from wxpush.config.declared import ConfigFile, Declared, DeclaredCallback, DeclaredToken
from wxpush.config.directories import default_config_path
from wxpush.config.secret import Secret, read_secret_file, run_for_text
from wxpush.errors import InputError
from wxpush.i18n import _

# Long enough to type a passphrase.
_COMMAND_SECONDS = 60.0
_ENVIRONMENT = "default"
_CALLBACK_OF_ENVIRONMENT = DeclaredCallback(
    "WXPUSH_CALLBACK_TOKEN", "WXPUSH_CALLBACK_AES_KEY", "WXPUSH_CALLBACK_PREVIOUS_AES_KEY"
)


def load_account(
    name: str | None, environ: Mapping[str, str], config_path: Path | None = None, *, need_secret: bool = True
) -> Account:
    """The account called `name`; without a name that of the environment, else config.yaml's default.

    WXPUSH_API_BASE wins over an account's `api_base`, so that a rehearsal never reaches the real WeChat;
    `proxy` and `ca_file` of an account win over WXPUSH_PROXY and WXPUSH_CA_FILE, which are for all.
    With `need_secret=False` no secret is fetched. Raises InputError that says what to set, ProblemsError
    for faults of config.yaml.
    """
    config = _config(environ, config_path)
    if _is_of_environment(name, config, environ):
        return _from_environment(environ, need_secret=need_secret)
    chosen = _chosen(name, config)
    return _from_config(chosen, config, environ, need_secret=need_secret)


def load_accounts(environ: Mapping[str, str], config_path: Path | None = None) -> list[Account]:
    """Every account of the environment and of config.yaml, without secrets; raises as `load_account` does."""
    config = _config(environ, config_path)
    of_environment = _is_of_environment(None, config, environ)
    first = [_from_environment(environ, need_secret=False)] if of_environment else []
    return first + [_from_config(name, config, environ, need_secret=False) for name in config.accounts]


def load_callback(
    name: str | None, environ: Mapping[str, str], config_path: Path | None = None
) -> CallbackKeys:
    """The keys of that account's callback URL, as far as it has any. Raises as `load_account` does."""
    config = _config(environ, config_path)
    if _is_of_environment(name, config, environ):
        given = {key: environ.get(key, "").strip() for key in _variables(_CALLBACK_OF_ENVIRONMENT)}
        return _callback(_CALLBACK_OF_ENVIRONMENT, {key: text for key, text in given.items() if text})
    declared = config.accounts[_chosen(name, config)].callback
    for variable in _variables(declared):
        if not environ.get(variable, "").strip():
            raise InputError(
                _("The account's callback needs {variable}, which is not set.").format(variable=variable),
                _("Set {variable}.").format(variable=variable),
            )
    return _callback(declared, environ)


def load_testers(environ: Mapping[str, str], config_path: Path | None = None) -> dict[str, str]:
    """The names of `testers:` with their openids; raises ProblemsError for faults of config.yaml."""
    return dict(_config(environ, config_path).testers)


def load_database(name: str, environ: Mapping[str, str], config_path: Path | None = None) -> str:
    """The variable that holds the URL of the database called `name`.

    Raises InputError for a name that isn't there, ProblemsError for faults of config.yaml.
    """
    known = _config(environ, config_path).databases
    if name not in known:
        names = ", ".join(known)
        hint = _("Write it into config.yaml: databases: {crm: {url_env: CRM_DSN}}")
        raise InputError(
            _("There is no database {name}.").format(name=repr(name)),
            _("config.yaml has: {names}.").format(names=names) if names else hint,
        )
    return known[name]


def _config(environ: Mapping[str, str], config_path: Path | None) -> ConfigFile:
    if config_path is None and environ.get("WXPUSH_CONFIG"):
        config_path = Path(environ["WXPUSH_CONFIG"]).expanduser()
    if config_path is None:
        config_path = default_config_path()
        if not config_path.is_file():
            return ConfigFile(config_path.parent)
    from wxpush.config.file import read_config  # and with it YAML

    return read_config(config_path)


def _is_of_environment(name: str | None, config: ConfigFile, environ: Mapping[str, str]) -> bool:
    named = name is not None and (name != _ENVIRONMENT or name in config.accounts)
    return not named and bool(environ.get("WXPUSH_APPID"))


def _variables(callback: DeclaredCallback) -> list[str]:
    named = (callback.token_env, callback.aes_key_env, callback.previous_aes_key_env)
    return [variable for variable in named if variable is not None]


def _callback(declared: DeclaredCallback, environ: Mapping[str, str]) -> CallbackKeys:
    def secret(variable: str | None, check: Callable[[str], Fault | None]) -> Secret | None:
        text = environ.get(variable, "").strip() if variable else ""
        return Secret(_checked(str(variable), text, check)) if text else None

    return CallbackKeys(
        secret(declared.token_env, callback_token_fault),
        secret(declared.aes_key_env, aes_key_fault),
        secret(declared.previous_aes_key_env, aes_key_fault),
    )


def _chosen(name: str | None, config: ConfigFile) -> str:
    known = ", ".join(config.accounts)
    if name is not None:
        if name in config.accounts:
            return name
        if config.accounts:
            hint = _("config.yaml has: {names}.").format(names=known)
        else:
            hint = _("Write it into config.yaml, or set WXPUSH_APPID and WXPUSH_SECRET and name no account.")
        raise InputError(_("There is no account {name}.").format(name=repr(name)), hint)
    if config.default is not None:
        return config.default
    if len(config.accounts) == 1:
        return next(iter(config.accounts))
    if config.accounts:
        raise InputError(
            _("config.yaml has several accounts: {names}.").format(names=known),
            _("Pass --account NAME, or set `default:` in config.yaml."),
        )
    raise InputError(
        _("No account is set up."),
        _(
            "Set WXPUSH_APPID and WXPUSH_SECRET (WeChat console, Development settings), "
            "or practise without an account: wxpush sandbox."
        ),
    )


def _from_environment(environ: Mapping[str, str], *, need_secret: bool) -> Account:
    appid = _checked("WXPUSH_APPID", environ["WXPUSH_APPID"].strip(), appid_fault)
    secret = None
    if need_secret:
        secret = _secret_of("WXPUSH_SECRET", environ)
    return _account(_ENVIRONMENT, appid, secret, "stable", Declared(appid), environ, Path())


def _from_config(name: str, config: ConfigFile, environ: Mapping[str, str], *, need_secret: bool) -> Account:
    declared = config.accounts[name]
    token: TokenKind | OutsideToken
    if not isinstance(declared.token, DeclaredToken):
        token = declared.token
    elif need_secret:
        token = _outside(declared.token, config.folder, environ)
    else:
        token = OutsideToken()
    secret = _declared_secret(declared, config.folder, environ) if need_secret else None
    return _account(name, declared.appid, secret, token, declared, environ, config.folder)


def _account(
    name: str,
    appid: str,
    secret: Secret | None,
    token: TokenKind | OutsideToken,
    declared: Declared,
    environ: Mapping[str, str],
    folder: Path,
) -> Account:
    api_base = _from_variable("WXPUSH_API_BASE", environ, api_base_fault) or declared.api_base or WECHAT_API
    proxy = declared.proxy or _from_variable("WXPUSH_PROXY", environ, proxy_fault)
    if is_loopback(urlsplit(api_base).hostname or ""):
        proxy = None  # it would reach its own machine, with the secret in the clear on the way there
    ca_file = _path(declared.ca_file, folder) or _path(environ.get("WXPUSH_CA_FILE"), Path())
    if ca_file is not None and not ca_file.exists():
        raise InputError(
            _("There is no file {path}.").format(path=ca_file), _("Mend WXPUSH_CA_FILE or `ca_file:`.")
        )
    return Account(name, appid, secret, token, api_base.rstrip("/"), proxy, ca_file, declared.notify)


def _declared_secret(declared: Declared, folder: Path, environ: Mapping[str, str]) -> Secret | None:
    if declared.secret_env is not None:
        return _secret_of(declared.secret_env, environ)
    if declared.secret_file is not None:
        path = folder / Path(declared.secret_file).expanduser()
        return Secret(_checked(str(path), read_secret_file(path), secret_fault))
    if declared.secret_command is not None:
        said = run_for_text(declared.secret_command, timeout=_COMMAND_SECONDS)
        return Secret(_checked("secret_command", said, secret_fault))
    return None


def _secret_of(variable: str, environ: Mapping[str, str]) -> Secret:
    text = environ.get(variable, "").strip()
    if not text:
        raise InputError(
            _("The AppSecret is lacking: {variable} is not set.").format(variable=variable),
            _("Set {variable} to the account's AppSecret.").format(variable=variable),
        )
    return Secret(_checked(variable, text, secret_fault))


def _outside(token: DeclaredToken, folder: Path, environ: Mapping[str, str]) -> OutsideToken:
    headers = [
        (name, Secret(_checked(f"header {name}", text, header_fault))) for name, text in token.header.items()
    ]
    for name, variable in token.header_env.items():
        text = environ.get(variable, "").strip()
        if not text:
            raise InputError(
                _("The header {name} of the token's address needs {variable}, which is not set.").format(
                    name=name, variable=variable
                ),
                _("Set {variable}.").format(variable=variable),
            )
        headers.append((name, Secret(_checked(variable, text, header_fault))))
    return OutsideToken(_path(token.file, folder), token.command, token.url, token.json, tuple(headers))


def _from_variable(
    variable: str, environ: Mapping[str, str], check: Callable[[str], Fault | None]
) -> str | None:
    text = environ.get(variable, "").strip()
    return _checked(variable, text, check) if text else None


def _checked(source: str, text: str, check: Callable[[str], Fault | None]) -> str:
    fault = check(text)
    if fault is not None:
        raise InputError(f"{source}: " + fault.message, fault.hint)
    return text


def _path(text: str | None, folder: Path) -> Path | None:
    return (folder / Path(text).expanduser()).absolute() if text else None
