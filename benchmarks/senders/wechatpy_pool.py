"""wechatpy in a pool of threads, as its users do it: wechatpy_pool.py API MESSAGES WORKERS."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from wechatpy import WeChatClient

from benchmarks.material import APPID, MESSAGE, OPENID, SECRET, TEMPLATE_ID
from benchmarks.servers.latency import TOKEN


def main() -> None:
    """Send the same message over and over, each answer checked."""
    api, messages, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    client = WeChatClient(APPID, SECRET, access_token=TOKEN)
    client.API_BASE_URL = f"{api}/cgi-bin/"

    def send(_number: int) -> int:
        answer = client.message.send_template(OPENID, TEMPLATE_ID, MESSAGE["data"])
        return int(answer["errcode"] == 0)

    with ThreadPoolExecutor(workers) as pool:
        accepted = sum(pool.map(send, range(messages)))
    print(json.dumps({"accepted": accepted}))


if __name__ == "__main__":
    main()
