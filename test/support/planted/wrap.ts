type Method = (this: object, ...given: unknown[]) => unknown

/** Puts itself before a method of Node's, for all that have it. @throws where there is none: Node has changed. */
export function before(prototype: object, name: string, see: (self: object, given: readonly unknown[]) => void): void {
  const methods = prototype as Record<string, Method | undefined>
  const method = methods[name]
  if (!method) throw new Error(`there is no method ${name}`)
  methods[name] = function (...given) {
    see(this, given)
    return method.apply(this, given)
  }
}
