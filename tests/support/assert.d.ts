// What the tests use of @std/assert, whose npm form comes without types.
type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;
export function assert(value: unknown, message?: string): asserts value;
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
export function assertNotEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void;
export function assertInstanceOf<E extends Error>(
  value: unknown,
  type: ErrorClass<E>,
  message?: string,
): asserts value is E;
export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void;
export function assertStringIncludes(
  actual: string,
  expected: string,
  message?: string,
): void;
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E;
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E>;
export function fail(message?: string): never;
