import * as fs from "node:fs";
import { systemCall, systemErrorOf } from "@pxar/codec/system_call";
import { SystemError } from "@pxar/format/errors";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("systemCall() gives what the call gives, or a SystemError of its file", () => {
  assertEquals(systemCall("open", "/x", () => 7), 7);
  const error = assertThrows(
    () => systemCall("open", "/no/such", () => fs.openSync("/no/such", "r")),
    SystemError,
  );
  assertEquals(
    [error.message, error.code, error.errno, error.call, error.path],
    [
      "Cannot open /no/such: no such file or directory",
      "ENOENT",
      2,
      "open",
      "/no/such",
    ],
  );
  assert(error.cause instanceof Error);
});

Deno.test("systemCall() knows the errors of the runtime that tell no number", () => {
  const fd = fs.openSync("/dev/full", "w");
  try {
    const error = assertThrows(
      () =>
        systemCall("write", "/x", () => fs.writeSync(fd, new Uint8Array(9))),
      SystemError,
    );
    assertEquals([error.message, error.code, error.errno, error.call], [
      "Cannot write /x: no space left on device",
      "ENOSPC",
      28,
      "write",
    ]);
  } finally {
    fs.closeSync(fd);
  }
});

Deno.test("systemErrorOf() takes a permission that is not granted for a refusal", () => {
  const refusal = Object.assign(new Error("Requires read access to x"), {
    name: "NotCapable",
  });
  const error = systemErrorOf("open", "/x", refusal);
  assert(error instanceof SystemError);
  assertEquals([error.message, error.code, error.cause], [
    "Cannot open /x: Requires read access to x",
    "EACCES",
    refusal,
  ]);
});

Deno.test("systemErrorOf() leaves alone what is no error of the system", () => {
  for (
    const error of [
      new Error("plain"),
      new TypeError("wrong"),
      "text",
      undefined,
      Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    ]
  ) {
    assertEquals(systemErrorOf("open", "/x", error), error);
  }
  const error = new SystemError("Cannot", {
    code: "EIO",
    errno: 5,
    call: "read",
  });
  assertEquals(systemErrorOf("open", "/x", error), error);
});
