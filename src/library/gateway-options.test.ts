import { describe, expect, it } from 'vitest'
import { ConfigurationError } from './errors.ts'
import { checkOptions } from './gateway-options.ts'
import { PermissionManager } from './permission-manager.ts'

/** For programs without types. */
const check = (options: object) => () => checkOptions(options)

describe('checkOptions', () => {
  it('fills in the limits that are left open', () => {
    const { limits } = checkOptions({ limits: { listingTimeoutMs: 500 } })
    expect(limits.listingTimeoutMs).toBe(500)
    expect(limits.requestBytesMax).toBeGreaterThan(0)
  })

  it('refuses what would leave a gateway open that should be guarded', () => {
    expect(check({ permision: new PermissionManager() })).toThrow(/permision: is not known/)
    expect(check({ permissions: undefined })).toThrow(/permissions: must be a PermissionManager/)
    expect(check({ permissions: { access: () => null } })).toThrow(/permissions: must be a PermissionManager/)
  })

  it('names every fault at once', () => {
    const options = { defaultTimeoutMs: 1.5, onElicit: 'yes', limits: { listingTimeoutMs: 0, nothing: 1 } }
    const faults = [
      'defaultTimeoutMs: must be a whole number of at least 100',
      'onElicit: must be a function',
      'limits.listingTimeoutMs:',
      'limits:',
    ]
    for (const fault of faults) expect(check(options)).toThrow(fault)
    expect(check(options)).toThrow(ConfigurationError)
  })
})
