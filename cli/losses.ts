/**
 * What could not be kept, in words.
 *
 * @module
 */
import type { Loss } from "@pxar/fs/report";
import { openLibc } from "@pxar/sys/libc";
import { countText } from "./show.ts";

const WHAT: { readonly [Name in Loss]: string } = {
  names: "names that are not text",
  nanoseconds: "fractions of milliseconds in times",
  xattrs: "extended attributes, ACLs and capabilities",
  owners: "owners",
  modes: "modes",
  times: "times",
  flags: "file flags (chattr, FAT)",
  devices: "device nodes",
  fifos: "fifos",
  sockets: "sockets",
  symlinks: "symlinks",
  hardlinks: "hardlinks",
  holes: "holes",
};

/**
 * A sentence for each loss, the last one saying what would help.
 *
 * @param losses How many entries lost what.
 * @param verb What was not possible, such as `restored`.
 * @returns The sentences.
 */
export function lossSentences(
  losses: ReadonlyMap<Loss, number>,
  verb: string,
): string[] {
  const sentences = [...losses].map(([loss, count]) =>
    `Cannot keep ${WHAT[loss]} of ${countText(count)} ${
      count === 1 ? "entry" : "entries"
    }: not ${verb}`
  );
  const help = advice();
  return help === undefined ? sentences : [...sentences, help];
}

function advice(): string | undefined {
  if (Deno.build.os !== "linux") {
    return "this system, or Deno on it, knows no way to keep them";
  }
  if (openLibc() !== undefined) {
    return "running as root, or on another file system, would keep them";
  }
  const machine = Deno.build.arch;
  return `granting --allow-ffi=/usr/lib/${machine}-linux-gnu/libc.so.6 (where glibc lies) would keep them`;
}
