// A run of sync() that says when three chunks have come, then waits to be killed.
import { sync } from "@pxar/transfer/sync";
import { counting, openOnDisk } from "./stores.ts";

const folder = Deno.args[0]!;
const source = counting(await openOnDisk(`${folder}/plain`, folder));
const target = await openOnDisk(`${folder}/target`, folder);
source.onGet = () => {
  if (source.gets.length < 3) return;
  Deno.stdout.writeSync(new TextEncoder().encode("now\n"));
  // The whole process stands still, with chunks on their way.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
await sync(source.store, target);
