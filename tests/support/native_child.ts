// Run with other permissions than the tests have, and as a worker: says what of the libraries it gets, and that they work.
import { openNative } from "@pxar/sys/native";

const native = openNative();
const data = new Uint8Array(100_000).fill(7);
const frame = new Uint8Array(1000), out = new Uint8Array(100_000);
const length = await native?.zstd?.compress(data, frame);
const back = length &&
  await native?.zstd?.decompress(frame.subarray(0, length), out);
const key = new Uint8Array(32), iv = new Uint8Array(16);
const tag = await native?.aesGcm?.seal(key, iv, data, data);
const said = JSON.stringify({
  is: native !== undefined,
  zstd: back === 100_000 && out.every((byte) => byte === 7),
  aesGcm: tag !== undefined &&
    await native?.aesGcm?.open(key, iv, tag, data, data) &&
    data.every((byte) => byte === 7),
});
const { postMessage } = globalThis as {
  postMessage?: (message: string) => void;
};
if (postMessage === undefined) console.log(said);
else postMessage(said);
