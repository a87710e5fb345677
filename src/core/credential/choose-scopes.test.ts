import { describe, expect, it } from 'vitest'
import { chooseScopes } from './choose-scopes.ts'

const silent = { configured: null, challenged: null, supported: null, held: null, listed: null }

describe('chooseScopes', () => {
  it.each([
    ['nothing where nobody says anything', {}, null],
    ['nothing where the lists are empty', { configured: [], supported: [] }, null],
    ['what the resource supports', { supported: ['a', 'b'] }, ['a', 'b']],
    ['what was challenged, and not all that is supported', { challenged: ['a'], supported: ['a', 'b'] }, ['a']],
    ['what is configured, and not what is supported', { configured: ['c'], supported: ['a', 'b'] }, ['c']],
    ['what is configured with what was challenged', { configured: ['c'], challenged: ['a'] }, ['c', 'a']],
    ['what is held with what was challenged', { held: ['a', 'b'], challenged: ['b', 'c'] }, ['b', 'c', 'a']],
  ])('asks for %s', (_what, words, expected) => {
    expect(chooseScopes({ ...silent, ...words })).toEqual(expected)
  })

  it.each([
    [
      'where the authorization server lists it',
      { supported: ['a'], listed: ['offline_access'] },
      ['a', 'offline_access'],
    ],
    ['not where it does not', { supported: ['a', 'offline_access'], listed: ['a'] }, ['a']],
    ['not where it lists nothing', { supported: ['a', 'offline_access'] }, ['a']],
    ['not by itself', { supported: ['offline_access'], listed: ['offline_access'] }, null],
    ['always where it is configured', { configured: ['a', 'offline_access'] }, ['a', 'offline_access']],
  ])('asks for offline_access %s', (_what, words, expected) => {
    expect(chooseScopes({ ...silent, ...words })).toEqual(expected)
  })
})
