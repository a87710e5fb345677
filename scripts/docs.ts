/** `npm run docs`: writes the pages of docs/reference that come from the code. Tests hold them against it. */
import { writeFileSync } from 'node:fs'
import { referencePages } from './reference-pages.ts'

for (const [name, text] of Object.entries(referencePages())) {
  writeFileSync(new URL(`../docs/reference/${name}`, import.meta.url), text)
  console.log(`docs/reference/${name}`)
}
