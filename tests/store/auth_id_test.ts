import { FormatError } from "@pxar/format/errors";
import {
  type AuthId,
  authIdText,
  mayBackUp,
  ownerText,
  parseAuthId,
  parseOwner,
  ROOT_USER,
} from "@pxar/store/auth_id";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { IDS } from "./ids.ts";
import { SAFE_IDS } from "./names.ts";
import { compare } from "./vectors.ts";

Deno.test("parseAuthId() reads what PBS reads", () => {
  compare(IDS.authId, (text) => {
    const { name, realm, token } = parseAuthId(text);
    assertEquals(authIdText({ name, realm, token }), text);
    const user = authIdText({ name, realm, token: undefined });
    return { name, realm, token: token ?? null, user };
  });
});

Deno.test("the schema of PBS takes what parseAuthId() takes up to 64 characters, and realms of a wrong length", () => {
  for (const { text, schema, result } of IDS.authId) {
    const parsed = "ok" in result && text.length <= 64;
    const realm = "error" in result && result.error.includes("realm");
    if (parsed !== schema) assertEquals([schema, realm], [true, true], text);
  }
});

Deno.test("parseAuthId() refuses a name with a control character", () => {
  for (const letter of ["\0", "\x1f", "\x7f", "\x85", "\x9b", "\u3000"]) {
    assertThrows(() => parseAuthId(`u${letter}u@pbs`), FormatError, "name");
  }
});

Deno.test("mayBackUp() says what PBS says", () => {
  for (const { owner, authId, result } of IDS.ownerCheck) {
    assertEquals(
      mayBackUp(parseAuthId(owner), parseAuthId(authId)),
      "ok" in result,
      `${authId} into what ${owner} owns`,
    );
  }
});

Deno.test("parseOwner() reads the first line, without the blanks behind it", () => {
  for (
    const text of [
      "root@pam\n",
      "root@pam",
      "root@pam \t\r\n",
      "root@pam\nsomebody@pbs\n",
    ]
  ) assertEquals(parseOwner(text), ROOT_USER);
  for (const text of ["", "\n", "\nroot@pam", " root@pam\n", "root\n"]) {
    assertThrows(() => parseOwner(text), FormatError, "user");
  }
});

Deno.test("users and tokens come back from their texts", () => {
  const names = fc.string({ unit: "grapheme", minLength: 1 })
    .filter((name) => !/[\p{White_Space}\p{Cc}:/]/u.test(name));
  const authIds: fc.Arbitrary<AuthId> = fc.record({
    name: fc.oneof(names, fc.constantFrom("a@b", "a!b", "@", "!", "a!b@c")),
    realm: SAFE_IDS.filter((id) => id.length >= 2),
    token: fc.option(SAFE_IDS, { nil: undefined }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(authIds, (authId) => {
    assertEquals(parseAuthId(authIdText(authId)), authId);
    assertEquals(parseOwner(ownerText(authId)), authId);
    assertEquals(mayBackUp(authId, authId), true);
  }));
});
