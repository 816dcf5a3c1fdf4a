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
  const { module, setup, threads = processors() } = options;
  const members = (await Promise.all(
    Array.from(
      { length: threads },
      () => Member.start<Request, Answer>(module, { setup }),
    ),
  )).filter((one) => one !== undefined);
  if (members.length > 0) return new ThreadCrew(members);
  return new LocalCrew(await options.open(setup));
}

/** How many threads may work at once here. */
export function processors(): number {
  const { navigator } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
  };
  return navigator?.hardwareConcurrency ?? 1;
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
