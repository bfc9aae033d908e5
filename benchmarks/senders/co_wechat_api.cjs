// co-wechat-api with so many calls in flight: co_wechat_api.cjs API MESSAGES IN_FLIGHT.
// It gets its own token, keeps its connections alive by itself (httpx's agent) and throws for any other errcode.
"use strict";
const WechatAPI = require("co-wechat-api");

const [api, messages, inFlight] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const client = new WechatAPI("wx0123456789abcdef", "0123456789abcdef0123456789abcdef");
client.prefix = `${api}/cgi-bin/`;

const data = {
  thing1: { value: "云南小粒咖啡豆" },
  character_string2: { value: "SO0000000001" },
  amount3: { value: "68.00元" },
};
let [started, accepted] = [0, 0];

async function work() {
  while (started < messages) {
    started += 1;
    const answer = await client.sendTemplate(
      "oABCDEFGHIJKLMNOPQRSTUVWXYZ1", "B".repeat(43), undefined, undefined, data);
    accepted += answer.errcode === 0;
  }
}

async function main() {
  await client.ensureAccessToken();
  await Promise.all(Array.from({ length: inFlight }, work));
  console.log(JSON.stringify({ accepted }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
