import { describe, expect, it } from 'vitest'
import { endedAsExpected, heedDriver, heedExitCode } from './conformance-run.ts'
import { judge } from './judge.ts'
import type { SuiteRun } from './suite.ts'

const scenario = 'auth/one'
const checks = [{ id: 'good', status: 'SUCCESS' }]
const run = (client: SuiteRun['scenarios'][number]['client'], exitCode = 0): SuiteRun => ({
  scenarios: [{ scenario, checks, client }],
  exitCode,
  output: 'the words of the suite',
})
const passed = judge([scenario], [{ scenario, checks }], [])
const known = judge([scenario], [{ scenario, checks: [{ id: 'bad', status: 'FAILURE' }] }], [`${scenario}:bad`])

describe('the verdict on one scenario', () => {
  it('is what the checks say, where the suite and the driver agree', () => {
    const agreed = run({ stdout: `${endedAsExpected}\n`, stderr: '' })
    expect(heedExitCode(passed, scenario, agreed)).toBe(passed)
    expect(heedDriver(passed, scenario, agreed)).toBe(passed)
  })

  it.each([
    ['passed', passed],
    ['known', known],
  ])('is a failure and nothing else where it is %s and the suite exits with 1', (_what, judgement) => {
    const verdict = heedExitCode(judgement, scenario, run(null, 1))
    expect(verdict).toMatchObject({ passed: [], known: [], failed: [scenario] })
    expect(verdict.problems).toEqual([
      { scenario, check: 'exit code', message: expect.stringContaining('the words of the suite') },
    ])
  })

  it.each([
    ['passed', passed],
    ['known', known],
  ])('is a failure where it is %s and the driver has seen something else', (_what, judgement) => {
    const verdict = heedDriver(judgement, scenario, run({ stdout: '', stderr: 'Error: it was let in' }))
    expect(verdict).toMatchObject({ passed: [], known: [], failed: [scenario] })
    expect(verdict.problems).toEqual([{ scenario, check: 'driver', message: 'Error: it was let in' }])
    expect(heedDriver(judgement, scenario, run(null)).failed).toEqual([scenario])
  })
})
