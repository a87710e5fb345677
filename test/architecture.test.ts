/** Holds the house against its plan. test/gates.test.ts proves that each of these checks can fail. */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findBreaches, roomOf } from './support/gates/floor-plan.ts'
import {
  findBarrels,
  findHiddenClocks,
  findPortsWithCode,
  findUnreasonedDisables,
} from './support/gates/house-rules.ts'
import { importsOf, readSources } from './support/gates/imports.ts'

const files = readSources(fileURLToPath(new URL('..', import.meta.url)))
const imports = files.flatMap((file) => importsOf(file))

describe('the house', () => {
  it('was read: files of every lower floor, and imports of more than one kind', () => {
    const rooms = new Set(files.map((file) => roomOf(file.path.slice('src/'.length))))
    expect([...rooms]).toEqual(expect.arrayContaining(['contract', 'core', 'gateway']))
    const kinds = new Set(imports.map((one) => one.kind))
    expect([...kinds]).toEqual(expect.arrayContaining(['value', 'type']))
    expect(imports.length).toBeGreaterThan(files.length / 2)
  })

  it('keeps every import to the floor plan', () => {
    expect(findBreaches(imports)).toEqual([])
  })

  it('takes the time as an argument on the pure floors', () => {
    expect(findHiddenClocks(files)).toEqual([])
  })

  it('keeps ports free of code', () => {
    expect(findPortsWithCode(files)).toEqual([])
  })

  it('has no barrels', () => {
    expect(findBarrels(files)).toEqual([])
  })

  it('says why wherever a lint rule is switched off', () => {
    expect(findUnreasonedDisables(files)).toEqual([])
  })
})
