import { GOODBYE_TAIL } from "@pxar/format/goodbye";
import { ITEMS } from "@pxar/format/item";
import { hash, hashName, siphash } from "@pxar/format/siphash";
import fc from "fast-check";
import { assertEquals } from "../support/assert.ts";
import { anyBytes, hex, utf8 } from "./record.ts";

Deno.test("hashName() gives the known hashes of names", () => {
  for (
    const [name, expected] of [
      [utf8(""), 0x76614015f8d1bb6cn],
      [utf8("a"), 0x0c26e9067c2c7bcfn],
      [utf8("bin"), 0xc0fcce6e1cf5d79bn],
      [utf8("file.txt"), 0x967764f630c3da14n],
      [utf8("folder_0"), 0xe093b923517a4b01n],
      [utf8(".pxarexclude-cli"), 0x046975ce672e09ebn],
      [hex("c3a4"), 0x26b1ec6690696abfn],
    ] as const
  ) assertEquals(hashName(name), expected);
});

Deno.test("the tag of every item is the hash of its name", () => {
  const names: Record<keyof typeof ITEMS, string> = {
    FORMAT_VERSION: "FORMAT_VERSION",
    PRELUDE: "FORMAT_PRELUDE",
    ENTRY: "FORMAT_ENTRY_V2",
    ENTRY_V1: "FORMAT_ENTRY",
    FILENAME: "FORMAT_FILENAME",
    SYMLINK: "FORMAT_SYMLINK",
    HARDLINK: "FORMAT_HARDLINK",
    DEVICE: "FORMAT_DEVICE",
    XATTR: "FORMAT_XATTR",
    FCAPS: "FORMAT_FCAPS",
    ACL_USER: "FORMAT_ACL_USER",
    ACL_GROUP: "FORMAT_ACL_GROUP",
    ACL_GROUP_OBJ: "FORMAT_ACL_GROUP_OBJ",
    ACL_DEFAULT: "FORMAT_ACL_DEFAULT",
    ACL_DEFAULT_USER: "FORMAT_ACL_DEFAULT_USER",
    ACL_DEFAULT_GROUP: "FORMAT_ACL_DEFAULT_GROUP",
    QUOTA_PROJID: "FORMAT_QUOTA_PROJID",
    PAYLOAD: "FORMAT_PXAR_PAYLOAD",
    PAYLOAD_REF: "FORMAT_PXAR_PAYLOAD_REF",
    GOODBYE: "FORMAT_GOODBYE",
    PAYLOAD_START_MARKER: "FORMAT_PXAR_PAYLOAD_START_MARKER",
    PAYLOAD_TAIL_MARKER: "FORMAT_PXAR_PAYLOAD_TAIL_MARKER",
  };
  assertEquals(Object.keys(names).length + 1, 23);
  for (const item of Object.values(ITEMS)) {
    const tag = hashName(utf8(`__PROXMOX_${names[item.name]}__`));
    assertEquals(item.tag, tag, item.name);
    assertEquals(BigInt(item.high) << 32n | BigInt(item.low), tag, item.name);
  }
  assertEquals(
    GOODBYE_TAIL,
    hashName(utf8("__PROXMOX_FORMAT_PXAR_GOODBYE_TAIL_MARKER__")),
  );
});

Deno.test("siphash() agrees with SipHash-2-4 as its paper has it, wherever the bytes lie", () => {
  fc.assert(
    fc.property(anyBytes(70), fc.nat(9), fc.nat(9), (name, before, after) => {
      const memory = new Uint8Array(before + name.length + after).fill(0xa5);
      memory.set(name, before);
      siphash(memory, before, before + name.length);
      assertEquals(BigInt(hash[1]!) << 32n | BigInt(hash[0]!), plain(name));
    }),
  );
});

/** The textbook form, on 64-bit numbers. */
function plain(name: Uint8Array): bigint {
  const k0 = 0x83ac3f1cfbb450dbn, k1 = 0xaa4f1b6879369fbdn;
  let v0 = k0 ^ 0x736f6d6570736575n, v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n, v3 = k1 ^ 0x7465646279746573n;
  const padded = new Uint8Array((name.length >> 3) * 8 + 8);
  padded.set(name);
  padded[padded.length - 1] = name.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true);
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;

  function round(): void {
    v0 = add(v0, v1);
    v1 = turn(v1, 13n) ^ v0;
    v0 = turn(v0, 32n);
    v2 = add(v2, v3);
    v3 = turn(v3, 16n) ^ v2;
    v0 = add(v0, v3);
    v3 = turn(v3, 21n) ^ v0;
    v2 = add(v2, v1);
    v1 = turn(v1, 17n) ^ v2;
    v2 = turn(v2, 32n);
  }
  function add(a: bigint, b: bigint): bigint {
    return BigInt.asUintN(64, a + b);
  }
  function turn(value: bigint, by: bigint): bigint {
    return BigInt.asUintN(64, value << by) | value >> (64n - by);
  }
}
