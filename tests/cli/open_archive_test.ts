// Archives as commands open them: in files and in snapshots, whole and split.
import type { Bytes } from "@pxar/format/bytes";
import { NotFoundError, UnsupportedError } from "@pxar/format/errors";
import { PathTracker } from "@pxar/transfer";
import { backup } from "@pxar/transfer/backup";
import { ExitError, UsageError } from "../../cli/exits.ts";
import { type ArchiveChoice, OpenArchive } from "../../cli/open_archive.ts";
import { Voice } from "../../cli/voice.ts";
import { split, unified } from "../support/archives.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { systemTest } from "../support/skip.ts";
import {
  collect,
  contentOf,
  entriesOf,
  lines,
  type Tree,
  utf8,
} from "../transfer/trees.ts";
import { inStore, type StorePlace, TIME } from "./stores.ts";

const TREE: Tree = {
  etc: { hosts: "127.0.0.1 localhost\n", link: "@etc/hosts" },
  motd: "hello\n",
};
const LINES = lines(entriesOf(TREE));
const SPLIT = "host/split";

/** The same tree in every way in which it can be named. */
async function inPlaces(
  use: (
    names: { readonly whole: string[]; readonly halves: string[] },
    open: (
      name: string,
      choice?: Partial<ArchiveChoice>,
    ) => Promise<OpenArchive>,
    place: StorePlace,
  ) => Promise<void>,
): Promise<void> {
  await inStore(async (place) => {
    const { folder, path, store } = place;
    const batches = () => [entriesOf(TREE)];
    const write = (name: string, bytes: Bytes) =>
      Deno.writeFile(`${folder}/${name}`, bytes);
    await write("a.pxar", await unified(batches()));
    const { metadata, payload } = await split(batches());
    await write("b.mpxar", metadata);
    await write("b.ppxar", payload);
    await write("unnamed", metadata);
    const made = async (id: string, mode: "legacy" | "data", time: number) => {
      await backup(store, [
        { archive: "root.pxar", entries: batches() },
        { archive: "fw.conf", bytes: utf8("allow all") },
      ], { id, mode, time, threads: 0 });
    };
    await made("whole", "legacy", TIME);
    await made("split", "data", TIME);
    const open = async (name: string, choice: Partial<ArchiveChoice> = {}) =>
      await OpenArchive.open(name, {
        repository: path,
        "store-name": undefined,
        ns: undefined,
        keyfile: undefined,
        keyfd: undefined,
        "payload-input": undefined,
        ...choice,
      }, new Voice(true));
    await use(
      {
        whole: [`${folder}/a.pxar`, "host/whole:root.pxar"],
        halves: [
          `${folder}/b.mpxar`,
          `${SPLIT}/latest:root.pxar`,
          `${SPLIT}/2023-11-14T22:13:20Z:root.mpxar`,
          `${SPLIT}:root.ppxar.didx`,
        ],
      },
      open,
      place,
    );
  });
}

systemTest(
  "OpenArchive reads the same entries from every place, again and again",
  ["unix"],
  () =>
    inPlaces(async ({ whole, halves }, open) => {
      for (const name of [...whole, ...halves]) {
        await using opened = await open(name);
        assertEquals([opened.isAnywhere, opened.hasContents], [
          true,
          halves.includes(name) || name.startsWith("host/"),
        ]);
        for (let time = 0; time < 2; time++) {
          const paths = new PathTracker(), contents: string[] = [];
          const found: string[] = [];
          for await (const batch of opened.entries()) {
            for (const entry of batch) {
              if (entry.kind === "version") continue;
              found.push(...lines([entry]).map((line) => line.charAt(0)));
              if (entry.kind === "end") paths.leave();
              else paths.enter(entry);
              if (entry.kind === "file") contents.push(await contentOf(entry));
            }
          }
          assertEquals(found, LINES.map((line) => line.charAt(0)), name);
          assertEquals(contents, ["127.0.0.1 localhost\n", "hello\n"]);
        }
        const accessor = await opened.accessor();
        assertEquals(await opened.accessor(), accessor);
        const node = await accessor.follow(
          (await accessor.lookup(utf8("etc/link")))!,
        );
        assertEquals(
          await new Response(accessor.stream(node)).text(),
          "127.0.0.1 localhost\n",
        );
      }
    }),
);

systemTest(
  "OpenArchive does without contents where they are not wanted",
  ["unix"],
  () =>
    inPlaces(async ({ halves }, open, { folder }) => {
      for (const name of [...halves, `${folder}/unnamed`]) {
        await using opened = await open(name);
        const entries = (await collect(opened.entries({ contents: false })))
          .filter(({ kind }) => kind !== "version");
        assertEquals(lines(entries), LINES, name);
        const files = entries.filter(({ kind }) => kind === "file");
        assertEquals(files.map(({ content }) => content), [
          undefined,
          undefined,
        ]);
        assertEquals(files.map(({ payload }) => payload?.size), [20, 6]);
      }
    }),
);

systemTest(
  "OpenArchive tells sizes, and gives the bytes of both halves",
  ["unix"],
  () =>
    inPlaces(async ({ whole, halves }, open) => {
      for (const names of [whole, halves]) {
        const seen: unknown[] = [];
        for (const name of names) {
          await using opened = await open(name);
          const sizes = opened.sizes();
          const { archive, payload } = await opened.halves({ ahead: 1 << 20 });
          assertEquals([archive.size, payload?.size], [
            sizes.archive,
            sizes.payload,
          ]);
          await archive.close?.();
          await payload?.close?.();
          seen.push(sizes);
        }
        assertEquals(seen, seen.map(() => seen[0]));
      }
    }),
);

systemTest("OpenArchive finds a payload by its name, or by what is told", [
  "unix",
], () =>
  inPlaces(async (_names, open, { folder }) => {
    const named = { "payload-input": `${folder}/b.ppxar` };
    await using told = await open(`${folder}/unnamed`, named);
    const files = (await collect(told.entries())).filter(({ kind }) =>
      kind === "file"
    );
    assertEquals(files.map(({ content }) => content?.size), [20, 6]);
    await Deno.remove(`${folder}/b.ppxar`);
    await using alone = await open(`${folder}/b.mpxar`);
    assertEquals([alone.payload, alone.hasContents], [undefined, false]);
    await assertRejects(
      () => collect(alone.entries()),
      UsageError,
      "expected --payload-input FILE",
    );
    await using gone = await open(`${folder}/unnamed`, named);
    await assertRejects(
      () => collect(gone.entries()),
      ExitError,
      "Cannot open",
    );
    await assertRejects(() => gone.accessor(), ExitError, "Cannot open");
  }));

systemTest(
  "OpenArchive refuses what cannot be opened",
  ["unix"],
  () =>
    inPlaces(async (_names, open, { folder }) => {
      await assertRejects(
        () => open("-", { "payload-input": "-" }),
        UsageError,
        "expected two places",
      );
      await assertRejects(
        () => open("host/whole:root.pxar", { "payload-input": "x" }),
        UsageError,
        "Cannot use --payload-input",
      );
      await assertRejects(
        () => open("host/whole:other.pxar"),
        NotFoundError,
        "expected one of root.pxar, fw.conf",
      );
      for (const name of ["host/nobody:root.pxar", "host/whole:root.mpxar"]) {
        await assertRejects(() => open(name), NotFoundError);
      }
      await assertRejects(
        () => open("host/whole:root.pxar", { ns: "away" }),
        NotFoundError,
      );
      await assertRejects(
        () => open("host/whole:root.pxar", { repository: folder }),
        UnsupportedError,
      );
      await using file = await open("host/whole:fw.conf");
      for (
        const work of [
          () => file.accessor(),
          () => file.halves(),
          () => collect(file.entries()),
        ]
      ) {
        const error = await assertRejects(work, UnsupportedError);
        assert(error.message.includes("expected an archive (.pxar)"));
      }
      await using nothing = await open(`${folder}/nothing.pxar`);
      await assertRejects(() => nothing.accessor(), ExitError, "Cannot open");
      await using pipe = await open("-");
      assertEquals(pipe.isAnywhere, false);
      await assertRejects(() => pipe.accessor(), UsageError, "from any place");
      assertEquals(pipe.shown, "-");
    }),
);
