import { FormatError } from "@pxar/format/errors";
import {
  formatRepository,
  parseRepository,
  type Repository,
  serverAddress,
  type ServerRepository,
} from "@pxar/pbs/repository";
import { authIdText, parseAuthId } from "@pxar/store/auth_id";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { SAFE_IDS } from "../store/names.ts";
import { type Case, compare, storeVector } from "../store/vectors.ts";

interface Repositories {
  readonly fromParts: readonly {
    readonly authId: string | null;
    readonly host: string | null;
    readonly port: number | null;
    readonly display: string;
    readonly hostOut: string;
  }[];
  readonly parse: readonly (
    & Case<{
      authId: string;
      display: string;
      host: string;
      port: number;
      store: string;
      user: string;
    }>
    & { readonly schema: boolean }
  )[];
}

const REPOSITORIES = storeVector<Repositories>("repository.json");

function onServer(text: string): ServerRepository {
  const repository = parseRepository(text);
  assert(repository.kind === "server", text);
  return repository;
}

Deno.test("parseRepository() reads what PBS reads, and shows the same", () => {
  compare(REPOSITORIES.parse, (text) => {
    const repository = onServer(text);
    const { authId, host, port, store } = serverAddress(repository);
    return {
      authId: authIdText(authId),
      display: formatRepository(repository),
      host,
      port,
      store,
      user: authIdText({ ...authId, token: undefined }),
    };
  });
});

Deno.test("where the schema of PBS is laxer than its parser, the parser counts", () => {
  for (const { text, schema, result } of REPOSITORIES.parse) {
    if (schema === ("ok" in result)) continue;
    assert(schema && "error" in result && /number|realm/.test(result.error));
    assertThrows(() => parseRepository(text), FormatError, "expected", text);
  }
});

Deno.test("formatRepository() shows parts as PBS does", () => {
  for (const one of REPOSITORIES.fromParts) {
    const repository: ServerRepository = {
      kind: "server",
      authId: one.authId === null ? undefined : parseAuthId(one.authId),
      host: one.host ?? undefined,
      port: one.port ?? undefined,
      store: "store",
    };
    assertEquals(formatRepository(repository), one.display);
    assertEquals(serverAddress(repository).host, one.hostOut);
  }
});

Deno.test("parseRepository() tells what was not told", () => {
  const nothing = {
    kind: "server",
    authId: undefined,
    host: undefined,
    port: undefined,
  } as const;
  assertEquals(parseRepository("s"), { ...nothing, store: "s" });
  assertEquals(parseRepository("h:s"), { ...nothing, host: "h", store: "s" });
});

Deno.test("parseRepository() takes folders", () => {
  const cases: [string, string][] = [
    ["/", "/"],
    ["/srv/store", "/srv/store"],
    ["/srv/store/", "/srv/store/"],
    ["./store", "./store"],
    ["../a/../b", "../a/../b"],
    [".", "."],
    ["..", ".."],
    ["./h:8007:store", "./h:8007:store"],
    ["/a b/ä@c:d", "/a b/ä@c:d"],
    ["file:///srv/store", "/srv/store"],
    ["FILE:///srv/store", "/srv/store"],
    ["file://localhost/srv/store", "/srv/store"],
    ["file:///a%20b/%C3%A4%3F", "/a b/ä?"],
    ["file:///srv/link/../store", "/srv/link/../store"],
    [`/${"a".repeat(4000)}`, `/${"a".repeat(4000)}`],
  ];
  for (const [text, path] of cases) {
    assertEquals(parseRepository(text), { kind: "path", path }, text);
  }
});

Deno.test("parseRepository() refuses what could be meant as a folder, and says how one is written", () => {
  for (
    const text of ["a/b", "~", "~/store", ".store", "...", "", "C:\\store"]
  ) assertThrows(() => parseRepository(text), FormatError, "./PATH", text);
  for (
    const text of [
      "file:",
      "file:store",
      "file:./store",
      "file:/srv/store",
      "file://server/store",
      "file:///a?b",
      "file:///a#b",
      "file:///%",
      "file:///%ff",
      "file:///%zz",
    ]
  ) assertThrows(() => parseRepository(text), FormatError, "file:///", text);
  for (const text of ["/a\0b", "./\0", "file:///a%00b"]) {
    assertThrows(() => parseRepository(text), FormatError, "NUL", text);
  }
});

Deno.test("parseRepository() refuses more than 256 characters for a server", () => {
  const host = "h".repeat(250);
  assertEquals(onServer(`${host}:store`).store, "store");
  assertThrows(() => parseRepository(`${host}h:store`), FormatError, "256");
});

Deno.test("repositories come back from their texts", () => {
  const hosts = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.constantFrom("localhost", "1234", "a-b.c"),
  );
  const servers = fc.record({
    kind: fc.constant("server" as const),
    authId: fc.option(
      fc.record({
        name: fc.oneof(SAFE_IDS, fc.constantFrom("a@b", "a!b", "ü")),
        realm: fc.constantFrom("pam", "pbs", "ldap-1"),
        token: fc.option(SAFE_IDS, { nil: undefined }),
      }, { noNullPrototype: true }),
      { nil: undefined },
    ),
    host: fc.option(hosts, { nil: undefined }),
    port: fc.option(fc.nat(65535), { nil: undefined }),
    store: SAFE_IDS,
  }, { noNullPrototype: true }).filter((one) =>
    formatRepository(one).length <= 256
  );
  fc.assert(fc.property(servers, (repository) => {
    const read = onServer(formatRepository(repository));
    assertEquals(serverAddress(read), serverAddress(repository));
    assertEquals(formatRepository(read), formatRepository(repository));
  }));
  const paths = fc.string({ unit: "binary", minLength: 1 })
    .filter((path) => !path.includes("\0"));
  fc.assert(fc.property(paths, (path) => {
    const local: Repository = { kind: "path", path };
    const read = parseRepository(formatRepository(local));
    assert(read.kind === "path");
    assert(read.path === path || read.path === `./${path}`);
  }));
});
