/** Guards before connections, as the tests of wires need them. */
import { lookup } from 'node:dns'
import { createEgress, type Egress, type Lookup } from '#core/egress/egress.ts'

/** Loopback, where the upstreams of tests live, is open. */
export const openEgress: Egress = createEgress({ lookup, bounds: () => null })

export type NamedEgress = Egress & {
  /** The names that were looked up. */
  asked: string[]
}

/** Knows these names alone, each answer once, the last one for ever; loopback and private addresses are closed unless `isOpen`. */
export function namedEgress(
  names: Readonly<Record<string, readonly string[]>>,
  { isOpen = false }: { isOpen?: boolean } = {},
): NamedEgress {
  const asked: string[] = []
  const answers = new Map(Object.entries(names).map(([name, addresses]) => [name, [...addresses]]))
  const resolve: Lookup = (hostname, options, callback) => {
    asked.push(hostname)
    const left = answers.get(hostname) ?? []
    const [answer = ''] = left.length > 1 ? left.splice(0, 1) : left
    const found = answer.split(' ').map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    const [first] = found
    // Later, as every resolver.
    queueMicrotask(() => {
      if (answer === '') callback(new Error(`no address for ${hostname}`), [])
      else if ('all' in options && options.all === true) callback(null, found)
      else callback(null, first?.address ?? '', first?.family)
    })
  }
  return { ...createEgress({ lookup: resolve, bounds: () => (isOpen ? null : { allow: [], own: [] }) }), asked }
}
