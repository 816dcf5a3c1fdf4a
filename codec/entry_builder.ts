// The entry in the making while an archive is decoded: what its FILENAME, its ENTRY and its attributes have said so far.
import { AttributeReader } from "@pxar/format/attributes";
import { type Bytes, NO_BYTES } from "@pxar/format/bytes";
import type { Device } from "@pxar/format/device";
import type { Content, Entry, EntryKind, PayloadRef } from "@pxar/format/entry";
import type { StatFields } from "@pxar/format/stat";
import { AttributeCount } from "./attribute_limits.ts";

/** Metadata that say nothing yet, to be filled again and again. */
export function blankStat(): StatFields {
  return { mode: 0, flags: 0, uid: 0, gid: 0, secs: 0, nanos: 0 };
}

/** Makes one entry after the other, all of one shape. Not `makeEntry`: its parts would be one more object for each entry. */
export class EntryBuilder {
  /** What the ENTRY says that it is. */
  kind: EntryKind = "directory";
  /** Its name, empty for the root. */
  name: Bytes = NO_BYTES;
  /** Where its FILENAME stands, or the root's ENTRY, or the GOODBYE of an end. */
  position = 0;
  /** Filled from the ENTRY. */
  readonly stat: StatFields = blankStat();
  /** Gathered up to the body. */
  readonly attributes: AttributeReader = new AttributeReader();
  /** How many these are. */
  readonly count: AttributeCount = new AttributeCount();

  /** What has an ENTRY, now that its body is known. */
  node(
    content: Content | undefined,
    target: Bytes | undefined,
    device: Device | undefined,
    payload: PayloadRef | undefined,
  ): Entry {
    const { stat } = this;
    return {
      kind: this.kind,
      name: this.name,
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      secs: stat.secs,
      nanos: stat.nanos,
      flags: stat.flags,
      attributes: this.attributes.finish(),
      content,
      target,
      device,
      payload,
      reused: undefined,
      token: undefined,
      position: this.position,
      linkPosition: undefined,
    };
  }

  /** What comes before the root. */
  head(kind: "version" | "prelude", content: Content): Entry {
    return plain(kind, NO_BYTES, content, undefined, undefined, undefined);
  }

  /** A hardlink to what stands at `linkPosition`. */
  hardlink(target: Bytes, linkPosition: number): Entry {
    const { name, position } = this;
    return plain("hardlink", name, undefined, target, position, linkPosition);
  }

  /** The place where a directory closes. */
  end(): Entry {
    const { position } = this;
    return plain("end", NO_BYTES, undefined, undefined, position, undefined);
  }
}

function plain(
  kind: EntryKind,
  name: Bytes,
  content: Content | undefined,
  target: Bytes | undefined,
  position: number | undefined,
  linkPosition: number | undefined,
): Entry {
  return {
    kind,
    name,
    mode: 0,
    uid: 0,
    gid: 0,
    secs: 0,
    nanos: 0,
    flags: 0,
    attributes: undefined,
    content,
    target,
    device: undefined,
    payload: undefined,
    reused: undefined,
    token: undefined,
    position,
    linkPosition,
  };
}
