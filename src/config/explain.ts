/** The effective configuration as YAML, with the origin of every value beside it. */
import { basename } from 'node:path'
import { Document, Scalar, isCollection, isMap, isScalar } from 'yaml'
import type { KeyPath } from './key-path.ts'
import { provenanceOf } from './loaded-config.ts'
import type { LoadedConfig, Provenance } from './loaded-config.ts'

/**
 * Each value ends in `# default`, `# toolgate.yaml:12` or `# ${NAME} (toolgate.yaml:12)`. Secrets are `[secret]`.
 * Throws TypeError for a configuration that did not come from loadConfig.
 */
export function explainConfig(config: LoadedConfig): string {
  const provenance = provenanceOf(config)
  const document = new Document(provenance.document, { aliasDuplicateObjects: false })
  annotate(document.contents, [], provenance)
  return document.toString({ lineWidth: 0 }).replaceAll(emptyOnOwnLines, ': $1 $2')
}

/** The library gives an empty list or map that has a comment three lines. No text can look like this: none has a line break. */
const emptyOnOwnLines = /:\n +(\[\]|\{\})\n +(# .*)/g

function annotate(node: unknown, path: KeyPath, provenance: Provenance): void {
  if (!isCollection(node)) {
    if (isScalar(node)) annotateLeaf(node, path, provenance)
    return
  }
  if (node.items.length === 0) {
    node.comment = ` ${originOf(path, provenance)}`
    return
  }
  if (isMap(node)) {
    for (const { key, value } of node.items)
      annotate(value, [...path, isScalar(key) ? String(key.value) : ''], provenance)
  } else {
    for (const [index, item] of node.items.entries()) annotate(item, [...path, index], provenance)
  }
}

/** A text of several lines would push its comment to where it says nothing. */
function annotateLeaf(node: Scalar, path: KeyPath, provenance: Provenance): void {
  if (typeof node.value === 'string' && node.value.includes('\n')) node.type = Scalar.QUOTE_DOUBLE
  node.comment = ` ${originOf(path, provenance)}`
}

function originOf(path: KeyPath, { file, findPlace }: Provenance): string {
  const place = findPlace(path)
  if (place === null) return 'default'
  const position = `${basename(file)}:${place.line}`
  const names = [...new Set(place.variables)].map((name) => `\${${name}}`)
  return names.length === 0 ? position : `${names.join(' ')} (${position})`
}
