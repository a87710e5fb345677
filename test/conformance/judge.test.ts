import { describe, expect, it } from 'vitest'
import { judge } from './judge.ts'

const run = (scenario: string, ...statuses: string[]) => ({
  scenario,
  checks: statuses.map((status, index) => ({ id: `check-${index}`, status, errorMessage: `because ${index}` })),
})

describe('judge', () => {
  it('passes a scenario whose checks succeed or only inform', () => {
    const { passed, failed, checks } = judge(['ping'], [run('ping', 'SUCCESS', 'INFO', 'SKIPPED')], [])
    expect({ passed, failed, checks }).toEqual({ passed: ['ping'], failed: [], checks: { passed: 1, failed: 0 } })
  })

  it('fails a scenario for a warning and says which check and why', () => {
    const { failed, problems } = judge(['ping'], [run('ping', 'SUCCESS', 'WARNING')], [])
    expect(failed).toEqual(['ping'])
    expect(problems).toEqual([{ scenario: 'ping', check: 'check-1', message: 'because 1' }])
  })

  it('takes a failure that the baseline names for known', () => {
    const { known, problems } = judge(['ping'], [run('ping', 'FAILURE', 'SUCCESS')], ['ping:check-0'])
    expect({ known, problems }).toEqual({ known: ['ping'], problems: [] })
  })

  it('fails a baseline entry that passes by now', () => {
    const { failed, problems } = judge(['ping'], [run('ping', 'SUCCESS')], ['ping:check-0'])
    expect(failed).toEqual(['ping'])
    expect(problems[0]?.message).toContain('take it out of the baseline')
  })

  it('fails a scenario that did not run', () => {
    const { failed } = judge(['ping', 'tools-list'], [run('tools-list')], [])
    expect(failed).toEqual(['ping', 'tools-list'])
  })

  it('passes a scenario in which nothing applied, and names it', () => {
    const { passed, idle } = judge(['server-sse-polling'], [run('server-sse-polling', 'INFO')], [])
    expect({ passed, idle }).toEqual({ passed: ['server-sse-polling'], idle: ['server-sse-polling'] })
  })

  it('leaves scenarios alone that nobody expects', () => {
    const { passed, failed, known } = judge([], [run('tasks-lifecycle', 'FAILURE')], [])
    expect({ passed, failed, known }).toEqual({ passed: [], failed: [], known: [] })
  })
})
