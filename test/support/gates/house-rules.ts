/** Rules of the house that neither the linter nor the compiler can state. Each finder gives one line for each breach. */
import { type CallExpression, type NewExpression, parseSync, Visitor } from 'oxc-parser'
import { lineAt, type SourceFile } from './imports.ts'

const pureFloors = /^src\/(contract|core|gateway|control|issuer)\//
const portFile = /^src\/core\/.*-(store|client|log)\.ts$/

/** `new Date()` asks the machine for the time; with an argument it only converts. */
export function findHiddenClocks(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => pureFloors.test(file.path))
    .flatMap((file) => {
      const found: string[] = []
      const check = (node: NewExpression | CallExpression) => {
        const isDate = node.callee.type === 'Identifier' && node.callee.name === 'Date'
        if (isDate && node.arguments.length === 0)
          found.push(`${file.path}:${lineAt(file.text, node.start)}: take the time from a Clock`)
      }
      new Visitor({ NewExpression: check, CallExpression: check }).visit(parseSync(file.path, file.text).program)
      return found
    })
}

/** A port is a promise between floors: code in its file would be a second implementation of it. */
export function findPortsWithCode(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => portFile.test(file.path))
    .filter((file) =>
      parseSync(file.path, file.text).module.staticExports.some((one) => one.entries.some((entry) => !entry.isType)),
    )
    .map((file) => `${file.path}: a port exports types only`)
}

/** A folder's listing is its table of contents; the library's face is the one file that only passes on. */
export function findBarrels(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path !== 'src/index.ts' && file.text.trim() !== '')
    .filter((file) =>
      parseSync(file.path, file.text).program.body.every(
        (node) =>
          node.type === 'ImportDeclaration' ||
          node.type === 'ExportAllDeclaration' ||
          (node.type === 'ExportNamedDeclaration' && node.declaration === null),
      ),
    )
    .map((file) => `${file.path}: import from the file that has it`)
}

/** A loosened gate names its rule and says why: `// oxlint-disable-next-line rule -- reason`. */
export function findUnreasonedDisables(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((line, index) => {
      const directive = /(?:\/\/|\/\*)\s*(?:ox|es)lint-disable(?:-next-line|-line)?\b(.*)$/.exec(line)?.[1]
      const isReasoned = directive === undefined || /^\s+[\w@/-]+.*?\s--\s+\S+/.test(directive)
      return isReasoned ? [] : [`${file.path}:${index + 1}: name the rule and say why`]
    }),
  )
}
