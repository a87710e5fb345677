/** One server's leases by owner: each is the same object for as long as anybody holds it, and is forgotten after that. */
import { OwnerLease, type LeaseHolder } from './owner-lease.ts'

const sweptFrom = 1_000

export class LeaseBook {
  readonly #leases = new Map<string, WeakRef<OwnerLease>>()
  #sweepAt = sweptFrom

  find(key: string): OwnerLease | undefined {
    return this.#leases.get(key)?.deref()
  }

  open(holder: LeaseHolder): OwnerLease {
    const lease = new OwnerLease(holder)
    this.#leases.set(holder.key, new WeakRef(lease))
    if (this.#leases.size > this.#sweepAt) this.#sweep()
    return lease
  }

  #sweep(): void {
    for (const [key, reference] of this.#leases) if (!reference.deref()) this.#leases.delete(key)
    this.#sweepAt = Math.max(sweptFrom, this.#leases.size * 2)
  }
}
