/**
 * What a verification says, in the form of the official server's log.
 *
 * @module
 */
import type { Datastore } from "@pxar/store/datastore";
import {
  type GroupName,
  groupText,
  sameGroup,
  type SnapshotName,
  snapshotText,
} from "@pxar/store/snapshot";
import type { VerifyScope } from "@pxar/store/verify";
import type { VerifyEvent, VerifyReport } from "@pxar/store/verify_report";
import { counted } from "./removed.ts";

const MIB = 1 << 20;

/** A group, and how many snapshots it has. */
interface Planned {
  readonly group: GroupName;
  readonly count: number;
}

/** Tells what is done and found, line by line. */
export class VerifyLog {
  readonly #store: Datastore;
  readonly #scope: VerifyScope;
  readonly #plan: readonly Planned[];
  readonly #isShort: boolean;
  readonly #print: (line: string) => void;
  /** Number of the group that is being verified, and how many of its snapshots are done. */
  #at = -1;
  #done = 0;
  /** The index that is being checked. */
  #file:
    | { readonly begin: number; readonly before: number; errors: number }
    | undefined;
  #bytes = 0;

  /**
   * Says what is going to be done.
   *
   * @param store What is verified.
   * @param scope Which part of it; it is there.
   * @param isShort Whether only problems are said.
   * @param print Takes a line, without its end.
   */
  constructor(
    store: Datastore,
    scope: VerifyScope,
    isShort: boolean,
    print: (line: string) => void,
  ) {
    this.#store = store;
    this.#scope = scope;
    this.#isShort = isShort;
    this.#print = print;
    this.#plan = planOf(store, scope);
    if ("namespace" in scope) {
      const { namespace } = scope;
      const within = namespace === "" ? "" : `:[${namespace}]`;
      this.#say(`verify datastore ${store.name}${within}`);
      this.#say(`found ${counted(this.#plan.length, "group")}`);
    }
  }

  /** Says what is done or found. */
  event(event: VerifyEvent): void {
    if (event.kind === "progress") {
      this.#bytes = event.bytes;
      return;
    }
    const snapshot = event.kind === "end"
      ? event.report.snapshot
      : event.snapshot;
    this.#enter(snapshot);
    const name = this.#nameOf(snapshot, snapshotText(snapshot));
    if (event.kind === "snapshot") this.#say(`verify ${name}`);
    else if (event.kind === "file") {
      this.#leaveFile();
      this.#say(`  check ${event.name}`);
      if (/\.[df]idx$/.test(event.name)) {
        this.#file = { begin: now(), before: this.#bytes, errors: 0 };
      }
    } else if (event.kind === "problem") {
      const { name: file, message } = event.problem;
      if (this.#file !== undefined) this.#file.errors++;
      this.#print(`verify ${name}/${file} failed: ${message}`);
    } else {
      this.#leaveFile();
      const { state, unnoted } = event.report;
      const why = SKIPPED[state];
      if (state === "unfinished") {
        this.#print(
          `verify ${name}: it has no manifest, because it was never finished or has lost it`,
        );
      } else if (why !== undefined) {
        this.#say(`SKIPPED: verify ${name} (${why})`);
      } else if (unnoted !== undefined) {
        this.#print(`verify ${name}: what was found is not noted: ${unnoted}`);
      }
      this.#done++;
      this.#percentage();
    }
  }

  /** Says what was found in all. */
  end({ snapshots, failed, setAside }: VerifyReport): void {
    if (setAside > 0) {
      this.#print(
        `${
          counted(setAside, "bad chunk")
        } renamed to .bad: a later backup can upload them anew`,
      );
    }
    if (failed > 0) {
      this.#print("Failed to verify the following snapshots/groups:");
      for (const { snapshot, state } of snapshots) {
        if (state !== "failed") continue;
        const { namespace } = snapshot, name = snapshotText(snapshot);
        this.#print(`\t${namespace === "" ? "" : `[${namespace}]:`}${name}`);
      }
      this.#print(
        "TASK ERROR: verification failed - please check the log for details",
      );
    } else this.#say("TASK OK");
  }

  #enter(snapshot: SnapshotName): void {
    const planned = this.#plan[this.#at];
    if (planned !== undefined && sameGroup(planned.group, snapshot)) return;
    const next = this.#plan.findIndex(({ group }) =>
      sameGroup(group, snapshot)
    );
    if (next < 0) return;
    this.#at = next;
    this.#done = 0;
    const { group, count } = this.#plan[next]!;
    this.#say(
      `verify group ${
        this.#nameOf(group, groupText(group))
      } (${count} snapshots)`,
    );
  }

  #leaveFile(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const size = (this.#bytes - file.before) / MIB;
    const seconds = (now() - file.begin) / 1000;
    const speed = size / Math.max(0.001, seconds);
    this.#say(
      `  verified ${size.toFixed(2)} MiB in ${
        seconds.toFixed(2)
      } seconds, speed ${speed.toFixed(2)} MiB/s (${file.errors} errors)`,
    );
  }

  #percentage(): void {
    const planned = this.#plan[this.#at];
    if (planned === undefined) return;
    const { count } = planned, done = Math.min(this.#done, count);
    const of = `${done}/${count} snapshots`;
    if ("group" in this.#scope) {
      this.#say(`percentage done: ${percent(done / count)} (${of})`);
      return;
    }
    const { length } = this.#plan;
    const part = percent((this.#at + done / count) / length);
    this.#say(
      done === count
        ? `percentage done: ${part} (${this.#at + 1}/${length} groups)`
        : `percentage done: ${part} (${this.#at}/${length} groups, ${of} in group #${
          this.#at + 1
        })`,
    );
  }

  #nameOf({ namespace }: GroupName, text: string): string {
    const within = namespace === "" ? "" : `[${namespace}]:`;
    return `${this.#store.name}:${within}${text}`;
  }

  #say(line: string): void {
    if (!this.#isShort) this.#print(line);
  }
}

/** Why a snapshot is not looked into. */
const SKIPPED: Readonly<Record<string, string>> = {
  skipped: "recently verified",
  busy: "in use",
};

/** A group for measuring, which is not verified. */
const BENCHMARK = "host/benchmark";

/** The groups; none for a single snapshot. */
function planOf({ tree }: Datastore, scope: VerifyScope): Planned[] {
  if ("snapshot" in scope) return [];
  const groups = "group" in scope
    ? [scope.group]
    : tree.namespaces(scope.namespace, scope.maxDepth ?? Infinity)
      .flatMap((namespace) => tree.groups(namespace))
      .filter((group) => groupText(group) !== BENCHMARK);
  return groups.map((group) => ({
    group,
    count: tree.snapshots(group).length,
  }));
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}

function now(): number {
  return performance.now();
}
