import { expect, it } from 'vitest'
import { resource } from '#test/support/resources.ts'
import { enabledServersCalled, theServerCalled } from './server-names.ts'
import { ResourceSnapshot } from './snapshot.ts'

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
  expect(['vcs', 'git', 'srv_git'].map((word) => theServerCalled(snapshot, word)?.name)).toEqual([
    'git',
    undefined,
    undefined,
  ])
  snapshot.apply({ changed: [resource('server', 'git', { isEnabled: false })], deleted: [], isWhole: false })
  expect(named('git').map(({ id }) => id)).toEqual(['srv_other'])
})
