/** Reads every way in which one source file can reach another, straight from its syntax tree. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

export type ImportKind = 'value' | 'type' | 'side-effect' | 're-export' | 'dynamic' | 'import-type'

/** `name` is what the file wrote; a dynamic import whose target is computed has `null`, since nobody can check it. */
export type Import = { file: string; line: number; kind: ImportKind; name: string | null }

export type SourceFile = { path: string; text: string }

/** Product code below `root`, by paths relative to it. JavaScript counts, or a breach could hide in it. */
export function readSources(root: string): SourceFile[] {
  const paths = globSync('src/**/*.{ts,tsx,mts,cts,js,mjs,cjs}', { cwd: root, exclude: ['**/*.test.ts'] })
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = []
  const { program, errors } = parseSync(file.path, file.text)
  if (errors.length > 0) throw new Error(`${file.path} does not parse, so its imports cannot be judged`)

  const add = (start: number, kind: ImportKind, name: string | null) =>
    found.push({ file: file.path, line: lineAt(file.text, start), kind, name })

  new Visitor({
    ImportDeclaration(node) {
      const kinds = node.specifiers.map((part) => (part.type === 'ImportSpecifier' ? part.importKind : node.importKind))
      const isType = node.importKind === 'type' || (kinds.length > 0 && kinds.every((kind) => kind === 'type'))
      add(node.start, isType ? 'type' : kinds.length === 0 ? 'side-effect' : 'value', node.source.value)
    },
    ExportNamedDeclaration(node) {
      if (node.source) add(node.start, 're-export', node.source.value)
    },
    ExportAllDeclaration(node) {
      add(node.start, 're-export', node.source.value)
    },
    ImportExpression(node) {
      add(node.start, 'dynamic', literalOf(node.source))
    },
    TSImportType(node) {
      add(node.start, 'import-type', node.source.value)
    },
    TSImportEqualsDeclaration(node) {
      if (node.moduleReference.type === 'TSExternalModuleReference')
        add(node.start, 'value', node.moduleReference.expression.value)
    },
  }).visit(program)
  return found
}

type Expression = {
  type: string
  value?: unknown
  quasis?: { value: { cooked: string | null } }[]
  expressions?: unknown[]
}

function literalOf(source: Expression): string | null {
  if (typeof source.value === 'string') return source.value
  if (source.type === 'TemplateLiteral' && source.expressions?.length === 0)
    return source.quasis?.[0]?.value.cooked ?? null
  return null
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
