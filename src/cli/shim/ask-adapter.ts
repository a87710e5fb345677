/** Asks the platform's adapter over its local socket. */
import { connect } from 'node:net'
import { ShimAnswer, shimAnswerCharsMax, type ShimQuestion } from '#contract/session-socket.ts'

export type AskAdapter = (question: ShimQuestion) => Promise<ShimAnswer>

const answerMsMax = 5_000

/** The answer of whoever listens at `path`. Rejects where there is none. */
export function createAskAdapter(path: string): AskAdapter {
  return async (question) => ShimAnswer.parse(JSON.parse(await exchange(path, `${JSON.stringify(question)}\n`)))
}

function exchange(path: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let held = ''
    const fail = (why: string): void => {
      socket.destroy()
      reject(new Error(why))
    }
    socket.setTimeout(answerMsMax, () => fail('no answer in time'))
    socket.once('error', () => fail('nobody listens there'))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      held += chunk
      if (held.length > shimAnswerCharsMax) fail('too long an answer')
    })
    socket.once('end', () => resolve(held))
    socket.once('close', () => reject(new Error('no answer')))
    socket.write(question)
  })
}
