import { expect, it } from 'vitest'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { resource } from '#test/support/resources.ts'
import { enabledServersCalled } from './server-names.ts'

it('knows servers by name and alias, those that share a word together, and none that is not enabled', () => {
  const snapshot = new ResourceSnapshot()
  const named = (word: string) => enabledServersCalled(snapshot, word)
  const [git, other] = [resource('server', 'git', { aliases: ['vcs', 'git'] }), resource('server', 'other')]
  snapshot.apply({ changed: [git, other], deleted: [], isWhole: false })
  expect(named('git')).toEqual([{ id: 'srv_git', name: 'git' }])
  expect(named('vcs')).toEqual(named('git'))
  expect(named('srv_git')).toEqual([])
  snapshot.apply({ changed: [resource('server', 'other', { aliases: ['git'] })], deleted: [], isWhole: false })
  expect(named('git').map(({ id }) => id)).toEqual(['srv_git', 'srv_other'])
  snapshot.apply({ changed: [resource('server', 'git', { isEnabled: false })], deleted: [], isWhole: false })
  expect(named('git').map(({ id }) => id)).toEqual(['srv_other'])
})
