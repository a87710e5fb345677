import { expect, it } from 'vitest'
import { tellingLines } from './telling-lines.ts'

it('keeps the line that says what is wrong, and no stack', () => {
  const stack = Array.from({ length: 100 }, (_line, index) => `    at step ${index} (file.js:${index}:1)`).join('\n')
  expect(tellingLines(`Error: Cannot find module 'x'\n${stack}\n\nNode.js v24\n`)).toBe(
    "Error: Cannot find module 'x'\nNode.js v24",
  )
})

it('keeps the end of what is long', () => {
  const text = `${'a'.repeat(2_000)}\nthe end`
  expect(tellingLines(text)).toHaveLength(1_000)
  expect(tellingLines(text)).toMatch(/the end$/)
})
