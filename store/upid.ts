/**
 * UPIDs: the names of a server's tasks. A manifest names the task that verified its snapshot.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { type AuthId, authIdText, parseAuthId } from "./auth_id.ts";
import { shown } from "./shown.ts";
import { escapeUnit, unescapeUnit } from "./unit_escape.ts";

/** Names a task. */
export interface Upid {
  /** Name of the machine: letters, digits and `-` between them. */
  readonly node: string;
  /** The process; below 2^31. */
  readonly pid: number;
  /** When the process started, clock ticks since the machine did; below 2^36. */
  readonly pstart: number;
  /** Counts the tasks of the process. */
  readonly taskId: number;
  /** When the task started, seconds since 1970; below 2^32. */
  readonly startTime: number;
  /** What the task does, such as `verify_snapshot`; without blanks and colons. */
  readonly workerType: string;
  /** What it works on; `undefined` where nothing is named. */
  readonly workerId: string | undefined;
  /** Who started it. */
  readonly authId: AuthId;
}

const UPID =
  /^UPID:([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8,16}):([0-9A-Fa-f]{8}):([^:\p{White_Space}]+):([^:\p{White_Space}]*):([^:\p{White_Space}]+):$/u;
const MAX_PID = 0x7fff_ffff;

/**
 * Reads a UPID.
 *
 * Source: protocol spec E.2, G.6.
 *
 * @param text `UPID:NODE:PID:PSTART:TASK:START:TYPE:ID:AUTHID:`, numbers in hex.
 * @returns What it tells.
 * @throws {FormatError} If it has another form, its process is 2^31 or more, or its task number 2^53 or more.
 */
export function parseUpid(text: string): Upid {
  const parts = UPID.exec(text);
  if (parts === null) {
    throw new FormatError(
      `Cannot take UPID: it is ${
        shown(text)
      }, expected UPID:NODE:PID:PSTART:TASK:START:TYPE:ID:USER: with hex numbers`,
    );
  }
  const [, node, pid, pstart, taskId, startTime, type, id, user] = parts;
  return {
    node: node!,
    pid: hexNumber(text, "process", pid!, MAX_PID),
    pstart: hexNumber(text, "process start", pstart!),
    taskId: hexNumber(text, "task", taskId!),
    startTime: hexNumber(text, "start", startTime!),
    workerType: type!,
    workerId: id === "" ? undefined : unescapeUnit(id!),
    authId: parseAuthId(user!),
  };
}

/**
 * A UPID as text.
 *
 * @param upid What it tells; an empty `workerId` is the same as none.
 * @returns The text, which {@linkcode parseUpid} reads.
 * @throws {TypeError} If a part is not as {@linkcode Upid} says.
 */
export function upidText(upid: Upid): string {
  const text = [
    "UPID",
    upid.node,
    hex(upid.pid),
    hex(upid.pstart),
    hex(upid.taskId),
    hex(upid.startTime),
    upid.workerType,
    escapeUnit(upid.workerId ?? ""),
    authIdText(upid.authId),
    "",
  ].join(":");
  try {
    parseUpid(text);
  } catch (cause) {
    throw new TypeError(
      `Cannot write UPID: it would be ${
        shown(text)
      }, expected parts that can be read back`,
      { cause },
    );
  }
  return text;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}

function hexNumber(
  text: string,
  what: string,
  digits: string,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = parseInt(digits, 16);
  if (value <= max) return value;
  throw new FormatError(
    `Cannot take UPID ${shown(text)}: its ${what} is 0x${digits}, expected 0x${
      max.toString(16)
    } at most`,
  );
}
