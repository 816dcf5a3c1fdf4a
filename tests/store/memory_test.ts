// The contract of stores, for the one in memory.
import { memoryStore } from "@pxar/store/memory";
import { storeContract } from "./contract.ts";

storeContract("memoryStore()", async (use) => {
  await use(await memoryStore());
});
