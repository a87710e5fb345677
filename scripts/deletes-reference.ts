/** The reference page of deletes, written from the rules of references: docs/reference/deletes.md. */
import { type ResourceKind, resourceKinds } from '#contract/resource.ts'
import { type OnDelete, referenceRules } from '#core/resources/references.ts'

/** Markdown, ending in a line break. */
export function deletesReference(): string {
  const rows = resourceKinds.flatMap((to) =>
    referenceRules
      .filter((rule) => rule.to === to)
      .map(
        ({ from, path, onDelete, why }) =>
          `| ${wordOf(to)} | ${wordOf(from)}, \`${path}\` | ${ends[onDelete]} | ${why} |`,
      ),
  )
  const unnamed = resourceKinds.filter((kind) => !referenceRules.some(({ to }) => to === kind)).map(wordOf)
  const rest = `No resource names ${listOf(unnamed.map(article))}: these can always be deleted.`
  return `${[introduction, '', ...head, ...rows, '', rest].join('\n')}\n`
}

const ends: Record<OnDelete, string> = {
  refuse: '**refused** (`still_referenced`)',
  cascade: '**deleted** with it',
  remove: 'taken out of the list',
}

const head = ['| Deleted | Named by | What happens | Why |', '| --- | --- | --- | --- |']

function wordOf(kind: ResourceKind): string {
  return kind.replaceAll('_', ' ')
}

function article(word: string): string {
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`
}

function listOf(words: readonly string[]): string {
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(words)
}

const introduction = `# Deletes

<!-- Written by \`npm run docs\` from the rules of references. Do not edit. -->

What becomes of the resources that name one that is deleted. The rule behind the table: no delete ever widens what somebody may do.

- A delete happens as a whole or not at all, together with all that follows from it, also over several steps: a user takes its tokens
  along, and those leave the role bindings that name them.
- What refuses is told by kind and id, ten of them at most, and how many there are. What is deleted with it does not refuse.
- Who is taken out of a list leaves the list behind, even when it is empty then: \`servers: []\` of a token is no server, and a role
  binding without subjects gives nobody anything.
- Everything that changes gets a new version, and says who deleted and when.
- What the configuration declares is no stored resource. When it disappears from there, what names it names nothing: that is refused
  when it is used.`
