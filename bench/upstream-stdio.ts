/** The legacy upstream over stdio, one JSON message a line: for bridges that cannot speak HTTP to an upstream. */
import { buildResults, errorMessage, parseRequest, parseShape, resultMessage } from './answers.ts'

const shape = parseShape('/legacy/mcp')
const results = shape ? buildResults(shape) : new Map<string, string>()
let rest = ''

process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  const answers = lines.filter((line) => line.trim() !== '').map(answer)
  const text = answers.join('')
  if (text !== '') process.stdout.write(text)
})
process.stdin.on('end', () => process.exit(0))

function answer(line: string): string {
  const { id, method } = parseRequest(line)
  if (id === undefined) return ''
  const result = results.get(method)
  return `${result === undefined ? errorMessage(id, -32_601, 'Method not found') : resultMessage(id, result)}\n`
}
