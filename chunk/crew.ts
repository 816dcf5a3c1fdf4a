/**
 * Threads that work on chunks in memory that all share: a request is a few numbers, the bytes stay where they are.
 *
 * @module
 */
import { startThread, type Thread } from "./thread.ts";
import { type ErrorMessage, errorOf } from "./thread_error.ts";

/** Does what is asked, one request at a time. */
export type Serve<Request, Answer> = (request: Request) => Promise<Answer>;

/** What a crew is made of. */
export interface CrewOptions<Setup, Request, Answer> {
  /** File of the threads; it calls `serveCrew(open)`. */
  readonly module: URL;
  /** What each of them is told first. */
  readonly setup: Setup;
  /** Makes of the setup what serves; used on this thread where there are no others. */
  readonly open: (setup: Setup) => Promise<Serve<Request, Answer>>;
  /** How many threads; as many as there are processors unless told, none for 0. */
  readonly threads?: number | undefined;
  /** How much work is done on this thread before others are started, which takes a while, too: a sum of what `work` gives; 0 unless told. */
  readonly spare?: number | undefined;
  /** How much work something has been, given its weight; all of it unless told. Only matters with `spare`. */
  readonly work?: ((answer: Answer, weight: number) => number) | undefined;
  /** What whoever begins to serve later has to be told: all that {@linkcode Crew.tell} has told and that still counts. Needed with `spare`. */
  readonly retell?: (() => Iterable<Request>) | undefined;
}

/** Serves requests, on other threads where there are any. */
export interface Crew<Request, Answer> {
  /** How many threads serve, or may begin to; 0 where this one does. */
  readonly threads: number;
  /**
   * Has a request served, by whoever has the least to do.
   *
   * @param request What is to be done; can be cloned.
   * @param weight How much work it is, such as the number of bytes.
   */
  ask(request: Request, weight: number): Promise<Answer>;
  /** Has every thread serve a request. */
  tell(request: Request): Promise<void>;
  /** Ends the threads; what is under way fails. */
  close(): void;
}

/**
 * A message to a thread.
 *
 * @internal
 */
export type CrewMessage<Setup, Request> =
  | { readonly setup: Setup }
  | { readonly id: number; readonly request: Request };

/**
 * A message from one.
 *
 * @internal
 */
export type CrewReply<Answer> =
  | { readonly up: boolean }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: ErrorMessage };

/**
 * Starts a crew.
 *
 * @param options What it is made of.
 * @returns The crew, on this thread where no other can be started.
 */
export async function startCrew<Setup, Request, Answer>(
  options: CrewOptions<Setup, Request, Answer>,
): Promise<Crew<Request, Answer>> {
  const {
    module,
    setup,
    threads =
      (globalThis.navigator as { hardwareConcurrency?: number } | undefined)
        ?.hardwareConcurrency ?? 1,
    spare = 0,
  } = options;
  if (spare > 0 && threads > 0) {
    return new GrowingCrew({ ...options, threads, spare });
  }
  const members = (await Promise.all(
    Array.from(
      { length: threads },
      () => Member.start<Request, Answer>(module, { setup }),
    ),
  )).filter((one) => one !== undefined);
  if (members.length > 0) return new ThreadCrew(members);
  return new LocalCrew(await options.open(setup));
}

/** One thread, and what it still has to do. */
class Member<Request, Answer> {
  load = 0;
  #thread: Thread | undefined;
  #next = 0;
  #failed: Error | undefined;
  readonly #waiting = new Map<
    number,
    {
      readonly resolve: (answer: Answer) => void;
      readonly reject: (error: Error) => void;
    }
  >();
  #up: (isUp: boolean) => void = () => {};

  static async start<Request, Answer>(
    module: URL,
    setup: unknown,
  ): Promise<Member<Request, Answer> | undefined> {
    const member = new Member<Request, Answer>();
    const isUp = new Promise<boolean>((resolve) => member.#up = resolve);
    member.#thread = startThread(
      module,
      (message) => member.#hear(message as CrewReply<Answer>),
      (reason) =>
        member.#fail(new Error(`Cannot go on: a thread failed, ${reason}`)),
    );
    if (member.#thread === undefined) return undefined;
    member.#thread.post(setup);
    if (await isUp) return member;
    member.end();
    return undefined;
  }

  ask(request: Request): Promise<Answer> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread!.post({ id, request });
    });
  }

  end(): void {
    this.#thread?.end();
    this.#fail(new Error("Cannot go on: the threads were ended"));
  }

  #hear(reply: CrewReply<Answer>): void {
    if ("up" in reply) return this.#up(reply.up);
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(errorOf(reply.error));
    else waiting?.resolve(reply.answer);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#up(false);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

class ThreadCrew<Request, Answer> implements Crew<Request, Answer> {
  readonly #members: readonly Member<Request, Answer>[];

  constructor(members: readonly Member<Request, Answer>[]) {
    this.#members = members;
  }

  get threads(): number {
    return this.#members.length;
  }

  async ask(request: Request, weight: number): Promise<Answer> {
    const member = this.#members.reduce((least, one) =>
      one.load < least.load ? one : least
    );
    member.load += weight;
    try {
      return await member.ask(request);
    } finally {
      member.load -= weight;
    }
  }

  async tell(request: Request): Promise<void> {
    await Promise.all(this.#members.map((member) => member.ask(request)));
  }

  close(): void {
    for (const member of this.#members) member.end();
  }
}

/** Serves on this thread until there was some work and others have been started for it. */
class GrowingCrew<Setup, Request, Answer> implements Crew<Request, Answer> {
  readonly threads: number;
  readonly #options: CrewOptions<Setup, Request, Answer>;
  #spare: number;
  #local: Promise<Crew<Request, Answer>> | undefined;
  #growing: Promise<void> | undefined;
  #grown: Crew<Request, Answer> | undefined;
  #isOpen = true;

  constructor(
    options: CrewOptions<Setup, Request, Answer> & {
      readonly threads: number;
      readonly spare: number;
    },
  ) {
    this.threads = options.threads;
    this.#options = options;
    this.#spare = options.spare;
  }

  async ask(request: Request, weight: number): Promise<Answer> {
    this.#demandOpen();
    // Work on this thread would keep it from hearing that the others are up.
    await this.#growing;
    const crew = this.#grown ?? await (this.#local ??= this.#start(0));
    const answer = await crew.ask(request, weight);
    this.#spare -= this.#options.work?.(answer, weight) ?? weight;
    if (this.#spare < 0 && this.#isOpen) {
      // Where it fails, the work is done here.
      this.#growing ??= this.#grow().catch(() => {});
    }
    return answer;
  }

  async tell(request: Request): Promise<void> {
    await Promise.all([
      this.#local?.then((crew) => crew.tell(request)),
      this.#growing?.then(() => this.#grown?.tell(request)),
    ]);
  }

  close(): void {
    this.#isOpen = false;
    this.#grown?.close();
    // Whoever asked meets the error.
    this.#local?.then((crew) => crew.close(), () => {});
  }

  async #grow(): Promise<void> {
    const crew = await this.#start(this.threads);
    if (this.#isOpen) this.#grown = crew;
    else crew.close();
  }

  async #start(threads: number): Promise<Crew<Request, Answer>> {
    const crew = await startCrew({ ...this.#options, threads, spare: 0 });
    for (const request of this.#options.retell?.() ?? []) {
      await crew.tell(request);
    }
    return crew;
  }

  #demandOpen(): void {
    if (this.#isOpen) return;
    throw new Error("Cannot go on: the threads were ended");
  }
}

class LocalCrew<Request, Answer> implements Crew<Request, Answer> {
  readonly threads = 0;
  readonly #serve: Serve<Request, Answer>;
  #before: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  constructor(serve: Serve<Request, Answer>) {
    this.#serve = serve;
  }

  ask(request: Request): Promise<Answer> {
    // One after the other: scratch memory is shared.
    const answer = this.#before.then(() => {
      if (!this.#isOpen) {
        throw new Error("Cannot go on: the threads were ended");
      }
      return this.#serve(request);
    });
    this.#before = answer.catch(() => {});
    return answer;
  }

  async tell(request: Request): Promise<void> {
    await this.ask(request);
  }

  close(): void {
    this.#isOpen = false;
  }
}
