import type { MessagePort, Transferable, Worker } from "node:worker_threads";
import { asVigiaError, show, VigiaError } from "../points/error.ts";

/**
 * What the other thread can be asked: a name, one request (structured clone), one answer or a promise of it.
 * Write it as a `type`, and give both sides the same one.
 */
type Api<A> = { [Method in keyof A]: (request: never) => unknown };
type Request<A extends Api<A>, Method extends keyof A> = Parameters<A[Method]>[0];
type Answer<A extends Api<A>, Method extends keyof A> = Awaited<ReturnType<A[Method]>>;

interface Asked {
  id: number;
  method: PropertyKey;
  request: unknown;
}

interface Failure {
  code: string;
  message: string;
  field: string | undefined;
  value: unknown;
  allowed: string | undefined;
}

type Answered = { id: number; result: unknown } | { id: number; failure: Failure } | { event: unknown };

interface Pending {
  resolve: (result: never) => void;
  reject: (error: VigiaError) => void;
}

const moves = new WeakMap<object, readonly Transferable[]>();

/** Marks what of an answer is moved to the other thread instead of copied; gives the answer back. */
export function moving<T extends object>(answer: T, transfer: readonly Transferable[]): T {
  moves.set(answer, transfer);
  return answer;
}

function pack(thrown: unknown, showValue: boolean): Failure {
  const { code, message, field, value, allowed } = asVigiaError(thrown);
  return { code, message, field, value: showValue ? show(value) : value, allowed };
}

function unpack({ code, message, field, value, allowed }: Failure): VigiaError {
  return field === undefined || allowed === undefined
    ? new VigiaError(code, message)
    : new VigiaError(code, { field, value, allowed });
}

/** The worker's side. Answers requests as their handlers finish; returns how to send a one-way event. */
export function serve<A extends Api<A>>(port: MessagePort, api: A): (event: unknown) => void {
  const fail = (id: number, thrown: unknown) => {
    try {
      port.postMessage({ id, failure: pack(thrown, false) } satisfies Answered);
    } catch {
      // The offending value cannot be cloned (a function, say): its text will do.
      port.postMessage({ id, failure: pack(thrown, true) } satisfies Answered);
    }
  };
  port.on("message", async ({ id, method, request }: Asked) => {
    try {
      const result: unknown = await (api[method as keyof A] as unknown as (request: unknown) => unknown)(request);
      const transfer = typeof result === "object" && result !== null ? moves.get(result) : undefined;
      port.postMessage({ id, result } satisfies Answered, transfer);
    } catch (thrown) {
      fail(id, thrown);
    }
  });
  return (event) => port.postMessage({ event } satisfies Answered);
}

export interface WorkerClientOptions {
  /** How the worker is called in error messages: `store`. */
  name: string;
  /** One-way events of the worker. */
  onEvent?: (event: unknown) => void;
  /** The worker ended without being asked to. Called once, after everything pending was rejected. */
  onDeath?: (error: VigiaError) => void;
}

/** The asking side of a worker that `serve`s an `A`. */
export class WorkerClient<A extends Api<A>> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #onEvent: (event: unknown) => void;
  readonly #onDeath: (error: VigiaError) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #ended: VigiaError | undefined;

  constructor(worker: Worker, { name, onEvent = () => {}, onDeath = () => {} }: WorkerClientOptions) {
    this.#worker = worker;
    this.#name = name;
    this.#onEvent = onEvent;
    this.#onDeath = onDeath;
    worker.on("message", (answered: Answered) => this.#receive(answered));
    // Only tells why; the exit that follows does the rest.
    let cause: unknown;
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => this.#died(cause ?? `exit code ${code}`));
  }

  /**
   * Asks and waits for the answer. Never throws, but rejects.
   * @throws VigiaError what the handler threw, with its code, field, value and allowed; `failed` for foreign errors;
   * `worker-died` when the worker ended; `worker-request` when the request cannot be sent.
   */
  call<M extends keyof A>(
    method: M,
    request: Request<A, M>,
    transfer?: readonly Transferable[],
  ): Promise<Answer<A, M>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      const id = this.#nextId++;
      try {
        this.#worker.postMessage({ id, method, request } satisfies Asked, transfer);
      } catch (thrown) {
        throw asVigiaError(thrown, "worker-request");
      }
      this.#pending.set(id, { resolve, reject });
    });
  }

  /** Ends the worker at once; what is still pending rejects. Ask it to put its things away first. */
  async end(): Promise<void> {
    this.#ended ??= new VigiaError("worker-ended", `the ${this.#name} worker has been ended`);
    await this.#worker.terminate();
    this.#rejectAll(this.#ended);
  }

  #receive(answered: Answered): void {
    if ("event" in answered) {
      this.#onEvent(answered.event);
      return;
    }
    const pending = this.#pending.get(answered.id);
    this.#pending.delete(answered.id);
    if ("failure" in answered) pending?.reject(unpack(answered.failure));
    else pending?.resolve(answered.result as never);
  }

  #died(cause: unknown): void {
    if (this.#ended) return;
    const why = cause instanceof Error ? cause.message : cause;
    this.#ended = new VigiaError("worker-died", `the ${this.#name} worker ended unexpectedly: ${why}`, { cause });
    this.#rejectAll(this.#ended);
    this.#onDeath(this.#ended);
  }

  #rejectAll(error: VigiaError): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
