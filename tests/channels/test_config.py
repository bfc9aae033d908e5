"""Accounts come from the environment or config.yaml; every fault is told with its place and its remedy."""

import os
import pickle
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.config import Account, Directories, OutsideToken, Secret, load_account, load_testers
from wxpush.config.account import api_base_fault
from wxpush.config.secret import read_secret_file, run_for_text
from wxpush.errors import InputError, ProblemsError, UnsafeStateError

SECRET = "0123456789abcdef0123456789abcdef"
ENVIRON = {"WXPUSH_APPID": "wx0123456789abcdef", "WXPUSH_SECRET": SECRET}
ACCOUNT = Account("shop", "wx0123456789abcdef", Secret(SECRET))

CONFIG = """\
default: shop
testers: {me: oAbCdEfGhIjKlMnOpQrStUvWxYz0, boss: oXyZ0123456789abcdefghijklmn}
accounts:
  shop:
    appid: wx0123456789abcdef
    secret_env: SHOP_SECRET
    api_base: https://sh.api.weixin.qq.com/
    proxy: http://user:hunter2@proxy.example.com:3128
  clinic:
    appid: wxfedcba9876543210
    secret_file: clinic.secret
    token: classic
  centre:
    appid: wx00000000000000aa
    token:
      url: http://token.corp/wechat?key=hidden
      json: data.token
      header: {Authorization: {env: TOKEN_KEY}, X-App: shop}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        load_account(None, {}, path)
    return [f"{found.line}:{found.column} {found.message}" for found in caught.value.problems]


def test_two_variables_make_the_default_account() -> None:
    account = load_account(None, ENVIRON, None)
    assert (account.name, account.appid, account.token) == ("default", "wx0123456789abcdef", "stable")
    assert account.secret == Secret(SECRET)
    assert account.api_base == "https://api.weixin.qq.com"


def test_a_named_account_comes_from_the_file(config: Path) -> None:
    account = load_account("shop", ENVIRON | {"SHOP_SECRET": "f" * 32}, config)
    assert (account.name, account.secret) == ("shop", Secret("f" * 32))
    assert account.api_base == "https://sh.api.weixin.qq.com"
    assert account.proxy == "http://user:hunter2@proxy.example.com:3128"


def test_without_a_name_the_environment_wins_over_the_files_default(config: Path) -> None:
    assert load_account(None, ENVIRON, config).name == "default"
    assert load_account("default", ENVIRON, config).name == "default"
    assert load_account(None, {"SHOP_SECRET": SECRET}, config).name == "shop"


def test_the_file_is_found_by_its_variable(config: Path) -> None:
    assert load_account(None, {"WXPUSH_CONFIG": str(config), "SHOP_SECRET": SECRET}).name == "shop"
    assert load_testers({"WXPUSH_CONFIG": str(config)})["boss"] == "oXyZ0123456789abcdefghijklmn"


def test_a_lone_account_needs_no_default(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("accounts: {one: {appid: wx0123456789abcdef, secret_env: ONE}}")
    assert load_account(None, {"ONE": SECRET}, path).name == "one"


def test_a_rehearsals_address_wins_over_the_files(config: Path) -> None:
    environ = {"SHOP_SECRET": SECRET, "WXPUSH_API_BASE": "http://127.0.0.1:8080"}
    assert load_account("shop", environ, config).api_base == "http://127.0.0.1:8080"


def test_an_accounts_own_proxy_wins_over_everybodys(config: Path) -> None:
    environ = ENVIRON | {"SHOP_SECRET": SECRET, "WXPUSH_PROXY": "http://common:80"}
    assert load_account("shop", environ, config).proxy == "http://user:hunter2@proxy.example.com:3128"
    assert load_account(None, environ, config).proxy == "http://common:80"


@pytest.mark.parametrize("base", ["http://127.0.0.1:8077", "https://localhost", "http://[::1]:1"])
def test_this_machine_is_not_reached_through_a_proxy(base: str) -> None:
    environ = ENVIRON | {"WXPUSH_API_BASE": base, "WXPUSH_PROXY": "http://proxy.example.com:3128"}
    assert load_account(None, environ, None).proxy is None


def test_a_ca_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        load_account(None, ENVIRON | {"WXPUSH_CA_FILE": str(tmp_path / "ca.pem")})
    (tmp_path / "ca.pem").touch()
    account = load_account(None, ENVIRON | {"WXPUSH_CA_FILE": str(tmp_path / "ca.pem")})
    assert account.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("name", "environ", "says"),
    [
        (None, {"WXPUSH_APPID": "wx0123456789abcdef"}, "WXPUSH_SECRET is not set"),
        (None, {"WXPUSH_APPID": "wx0123456789abcdef", "WXPUSH_SECRET": " "}, "WXPUSH_SECRET is not set"),
        (None, {"WXPUSH_APPID": "0123", "WXPUSH_SECRET": SECRET}, "WXPUSH_APPID: This is no appid"),
        (None, ENVIRON | {"WXPUSH_SECRET": "two words"}, "WXPUSH_SECRET"),
        (None, ENVIRON | {"WXPUSH_API_BASE": "http://api.example.com"}, "https://"),
        (None, ENVIRON | {"WXPUSH_API_BASE": "https://me:pw@api.example.com"}, "user name"),
        (None, ENVIRON | {"WXPUSH_PROXY": "socks5://127.0.0.1:9"}, "WXPUSH_PROXY"),
        ("shop", {}, "SHOP_SECRET is not set"),
        ("nobody", {}, "no account 'nobody'"),
        ("centre", {}, "TOKEN_KEY"),
        ("centre", {"TOKEN_KEY": "two\nlines"}, "TOKEN_KEY"),
    ],
)
def test_what_is_lacking_or_wrong_is_said_with_its_name(
    config: Path, name: str | None, environ: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load_account(name, environ, config)
    assert caught.value.exit_code == 2
    assert "two" not in str(caught.value)


def test_without_any_account_it_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("testers: {me: oAbC}")
    with pytest.raises(InputError) as caught:
        load_account(None, {}, tmp_path / "config.yaml")
    assert "WXPUSH_APPID and WXPUSH_SECRET" in caught.value.hint


def test_a_secret_in_the_appids_place_is_not_shown() -> None:
    with pytest.raises(InputError, match="no appid") as caught:
        load_account(None, {"WXPUSH_APPID": SECRET, "WXPUSH_SECRET": "wx0123456789abcdef"})
    assert SECRET not in f"{caught.value!r} {caught.value.hint}"


def test_a_config_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match="no such file"):
        load_account(None, {"WXPUSH_CONFIG": str(tmp_path / "lacking.yaml")})


@pytest.mark.skipif(os.name != "posix", reason="no mode bits on this system")
def test_a_config_that_every_user_can_change_is_refused(config: Path) -> None:
    config.chmod(0o666)
    with pytest.raises(InputError, match="changed by other users") as caught:
        load_account("shop", {"SHOP_SECRET": SECRET}, config)
    assert caught.value.hint == f"Run: chmod 600 {config}"
    config.chmod(0o664)  # a group that shares its files
    assert load_account("shop", {"SHOP_SECRET": SECRET}, config).name == "shop"


def test_several_accounts_need_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace("default: shop\n", ""), encoding="utf-8")
    with pytest.raises(InputError, match="shop, clinic, centre"):
        load_account(None, {}, path)


def test_no_secret_is_fetched_where_none_is_needed(config: Path) -> None:
    for name in ("shop", "clinic", "centre"):
        assert load_account(name, {}, config, need_secret=False).secret is None
    assert load_account(None, {"WXPUSH_APPID": "wx0123456789abcdef"}, need_secret=False).secret is None


def test_a_secret_file_must_be_private(config: Path) -> None:
    file = config.with_name("clinic.secret")
    file.write_text(f"{SECRET}\n")
    file.chmod(0o640)
    with pytest.raises(InputError, match="other users") as caught:
        load_account("clinic", {}, config)
    assert "chmod 600" in caught.value.hint
    file.chmod(0o600)
    account = load_account("clinic", {}, config)
    assert (account.secret, account.token) == (Secret(SECRET), "classic")


def test_a_secret_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_secret_file(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        read_secret_file(tmp_path / "lacking")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_secret_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InputError, match="not a file"):
        read_secret_file(tmp_path / "pipe")


@pytest.mark.parametrize("secret", [SECRET, SECRET.upper(), "92_" + "aB-_9" * 20])
@pytest.mark.parametrize("key", ["secret_env", "secret_file", "secret_command"])
def test_a_secret_in_the_place_of_where_it_comes_from_is_not_shown(
    tmp_path: Path, key: str, secret: str
) -> None:
    text = f"accounts:\n  shop:\n    appid: wx0123456789abcdef\n    {key}: {secret}\n"
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("4:")
    assert secret not in fault


def test_a_secret_comes_from_a_command(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"accounts: {{a: {{appid: wx0123456789abcdef, secret_command: echo {SECRET}}}}}")
    assert load_account("a", {}, path).secret == Secret(SECRET)


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(InputError, match="longer than"):
        run_for_text(f"{sys.executable} -c 'import time; time.sleep(60)'", timeout=0.3)


def test_a_command_gets_no_input_of_ours() -> None:
    program = "import sys; print(repr(sys.stdin.read()))"
    assert run_for_text(f'{sys.executable} -c "{program}"', timeout=10) == "''"


def test_a_token_from_outside_is_described(config: Path) -> None:
    account = load_account("centre", {"TOKEN_KEY": "Bearer key-1"}, config)
    assert isinstance(account.token, OutsideToken)
    assert account.token.json == "data.token"
    assert dict(account.token.headers) == {"X-App": Secret("shop"), "Authorization": Secret("Bearer key-1")}
    assert str(account.token) == "token.corp"


def test_all_faults_of_the_file_come_at_once_with_their_places(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        """\
default: shopp
tester: {me: oAbC}
accounts:
  shop:
    appid: 12345
    secrt_env: SHOP
    token: unstable
    api_base: http://api.weixin.qq.com
    proxy: proxy.example.com
  two:
    appid: wx0123456789abcdef
    secret_env: A
    secret_file: b
  three:
    secret: 0123
    token: {file: a, url: 'ftp://x', headr: 1}
  four: nothing
""",
    ) == [
        "1:10 There is no account 'shopp'.",
        "2:1 `tester` is no key of this place.",
        "5:5 The account doesn't say where its secret is.",
        "5:12 This is no appid: one is wx and 16 digits or letters from a to f.",
        "6:5 `secrt_env` is no key of this place.",
        "7:12 This is nothing that `token` can be.",
        "8:15 The API address must begin with https://.",
        "9:12 The proxy must be an address like http://proxy.example.com:3128.",
        "13:18 secret_env, secret_file stand together.",
        "15:5 `secret` is no key of this place.",
        "15:5 The account lacks its `appid`.",
        "16:12 `token` needs exactly one of file, command and url.",
        "16:27 It must be an address like https://example.com.",
        "16:38 `headr` is no key of this place.",
        "17:9 `four` must hold `name: value` lines.",
    ]


def test_faults_of_yaml_and_of_the_schema_come_together(tmp_path: Path) -> None:
    found = faults(tmp_path, "default: a\ndefault: b\naccounts: {a: {appid: 5, secret_env: A}}\n")
    assert ["1:" in found[0] or "2:" in found[0], any("no appid" in line for line in found)] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    "text",
    ["accounts: []", "accounts:", "accounts: {a: }", "testers: [a]", "testers: {me: }", "default: [a]",
     "accounts: {a: {appid: wx0123456789abcdef, token: {url: 'http://x', header: {A: {envv: B}}}}}",
     "accounts: {a: {appid: wx0123456789abcdef, token: {file: x, header: {A: b}}}}",
     "accounts: {a: {appid: wx0123456789abcdef, token: []}}", "accounts: {a: {appid: [1], secret_env: A}}"],
)  # fmt: skip
def test_every_wrong_shape_is_a_problem(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


KEYS = st.sampled_from(["default", "testers", "accounts", "a", "appid", "token", "url", "header", "env"])
SHAPES = st.recursive(st.none() | st.just("a"), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(st.dictionaries(KEYS, SHAPES))
def test_no_shape_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, shape: dict) -> None:
    path = tmp_path_factory.mktemp("any") / "config.yaml"
    path.write_text(str(shape).replace("None", "null"))
    with pytest.raises(InputError):
        load_account(None, {}, path)


@pytest.mark.parametrize(
    ("base", "fault"),
    [
        ("https://api.weixin.qq.com", False), ("https://sz.api.weixin.qq.com", False),
        ("https://gateway.example.com:8443/wechat", False), ("http://127.0.0.1:8080", False),
        ("http://localhost:8080", False), ("http://[::1]:8080", False), ("http://127.0.0.2", False),
        ("http://api.weixin.qq.com", True), ("http://localhost.example.com", True), ("http://10.0.0.1", True),
        ("http://127.0.0.1@evil.example", True), ("https://u:p@api.weixin.qq.com", True), ("ftp://x", True),
        ("https://", True), ("", True), ("api.weixin.qq.com", True), ("https://a b", True),
        ("https://api.weixin.qq.com?x=1", True), ("https://api.weixin.qq.com#x", True),
        ("https://x:99999", True), ("https://x:0", True), ("http://127.0.0.1\\@evil.example", True),
        ("https://微信.example", True), ("http://127.1", True), ("http://2130706433", True),
    ],
)  # fmt: skip
def test_the_secret_travels_by_https_or_stays_on_this_machine(base: str, fault: bool) -> None:
    assert (api_base_fault(base) is not None) is fault


@given(st.text())
def test_no_address_breaks_the_check(text: str) -> None:
    api_base_fault(text)


@pytest.mark.parametrize(
    ("base", "origin"),
    [
        ("https://api.weixin.qq.com", "https://api.weixin.qq.com"),
        ("https://API2.weixin.qq.com:443", "https://api.weixin.qq.com"),
        ("https://hk.api.weixin.qq.com", "https://api.weixin.qq.com"),
        ("https://api.weixin.qq.com.", "https://api.weixin.qq.com"),
        ("https://api.weixin.qq.com:8443", "https://api.weixin.qq.com:8443"),
        ("https://evil-api.weixin.qq.com.example", "https://evil-api.weixin.qq.com.example:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost:80"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_wechats_own_hosts_are_one_origin(base: str, origin: str) -> None:
    assert replace(ACCOUNT, api_base=base).origin == origin


def test_an_account_never_shows_its_secrets(config: Path) -> None:
    shop = load_account("shop", {"SHOP_SECRET": SECRET}, config)
    centre = load_account("centre", {"TOKEN_KEY": "key-1"}, config)
    shown = f"{shop!r} {shop} {centre!r} {centre} {shop.secret:>9} {[shop.secret]}"
    assert "***" in shown
    assert [word for word in (SECRET, "hunter2", "key-1", "hidden") if word in shown] == []


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(SECRET))


def test_secrets_compare_by_what_they_hide() -> None:
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"


def test_state_lives_where_it_is_asked_to(tmp_path: Path) -> None:
    environ = {"WXPUSH_HOME": str(tmp_path / "a")}
    assert Directories.choose(environ) == Directories(tmp_path / "a", tmp_path / "a")
    assert Directories.choose(environ, tmp_path / "b").home == tmp_path / "b"
    assert Directories.choose({}).home is None


def test_an_accounts_folder_is_private_and_its_own(tmp_path: Path) -> None:
    directories = Directories(tmp_path / "state")
    folder = directories.account_dir(ACCOUNT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert directories.account_dir(replace(ACCOUNT, name="other")) == folder
    assert directories.account_dir(replace(ACCOUNT, api_base="https://sh.api.weixin.qq.com")) == folder
    others = [
        replace(ACCOUNT, appid="wx00000000000000aa"),
        replace(ACCOUNT, api_base="http://127.0.0.1:8080"),
    ]
    assert len({folder, *map(directories.account_dir, others)}) == 3


def test_an_accounts_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    directories = Directories(tmp_path / "state")
    directories.account_dir(ACCOUNT).chmod(0o755)
    with pytest.raises(UnsafeStateError):
        directories.account_dir(ACCOUNT)


def test_settings_and_stored_tokens_are_read_without_the_http_library() -> None:
    program = (
        "import sys, wxpush.config, wxpush.channels.wechat.token_store;"
        "sys.exit(sorted({'requests', 'urllib3'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_no_message_shows_the_arguments_of_a_command() -> None:
    source = OutsideToken(command="curl -H X-Key:s3cret https://centre.corp")
    assert "s3cret" not in f"{source} {source!r}"
    for program in (f"{sys.executable} -c exit(3)#s3cret", "no-such-program s3cret", "true s3cret"):
        with pytest.raises(InputError) as raised:
            run_for_text(program, timeout=10)
        assert "s3cret" not in str(raised.value)
        assert program.split()[0] in str(raised.value)
