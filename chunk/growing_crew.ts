/**
 * A crew for what is likely to be little work: threads are started for it only when there was some.
 *
 * @module
 */
import { type Crew, type CrewOptions, startCrew } from "./crew.ts";

/** When threads are started. */
export interface CrewGrowth<Request, Answer> {
  /** How much work is done on this thread before: a sum of what `work` gives. */
  readonly after: number;
  /** How much work something has been, given its weight. */
  readonly work: (answer: Answer, weight: number) => number;
  /** What whoever begins to serve has to be told first: all that was told and still counts. */
  readonly retell: () => Iterable<Request>;
}

/**
 * Makes a crew without threads that gets some when there was work. The first of much work takes longer so, as nothing is served while threads start.
 *
 * @param options What it is made of; with no threads it never gets any.
 * @param growth When threads are started.
 * @returns The crew; nothing has been started.
 */
export function growingCrew<Setup, Request, Answer>(
  options: CrewOptions<Setup, Request, Answer> & { readonly threads: number },
  growth: CrewGrowth<Request, Answer>,
): Crew<Request, Answer> {
  return new GrowingCrew(options, growth);
}

class GrowingCrew<Setup, Request, Answer> implements Crew<Request, Answer> {
  readonly threads: number;
  readonly #options: CrewOptions<Setup, Request, Answer>;
  readonly #growth: CrewGrowth<Request, Answer>;
  #done = 0;
  /** This thread, then the others; one after the other. */
  #crew: Promise<Crew<Request, Answer>> | undefined;
  #isGrown: boolean;
  #isOpen = true;

  constructor(
    options: CrewOptions<Setup, Request, Answer> & { readonly threads: number },
    growth: CrewGrowth<Request, Answer>,
  ) {
    this.threads = options.threads;
    this.#isGrown = options.threads === 0;
    this.#options = options;
    this.#growth = growth;
  }

  async ask(request: Request, weight: number): Promise<Answer> {
    if (!this.#isOpen) {
      throw new Error("Cannot go on: the threads were ended");
    }
    const crew = await (this.#crew ??= this.#start(0));
    const answer = await crew.ask(request, weight);
    this.#done += this.#growth.work(answer, weight);
    if (this.#done > this.#growth.after) this.#grow();
    return answer;
  }

  async tell(request: Request): Promise<void> {
    await (await this.#crew)?.tell(request);
  }

  close(): void {
    this.#isOpen = false;
    // Whoever asked meets the error.
    this.#crew?.then((crew) => crew.close(), () => {});
  }

  /** From now on whoever asks waits for the threads: work on this one would keep it from hearing that they are up. */
  #grow(): void {
    if (this.#isGrown || !this.#isOpen) return;
    this.#isGrown = true;
    this.#crew = this.#start(this.threads);
    // Whoever asks meets the error.
    this.#crew.catch(() => {});
  }

  async #start(threads: number): Promise<Crew<Request, Answer>> {
    const crew = await startCrew({ ...this.#options, threads });
    for (const request of this.#growth.retell()) await crew.tell(request);
    return crew;
  }
}
