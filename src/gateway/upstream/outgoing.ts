/**
 * What a session over HTTP says that has no answer, in the order in which it is said. Only a few messages are under way at once, so that an
 * upstream that asks without end takes no connections from the calls; a message's time begins when it goes out, not while it waits for that.
 */
export class Outgoing {
  readonly #post: (text: string) => Promise<void>
  readonly #waiting = new Set<Waiting>()
  #waitingChars = 0
  #underWay = 0

  /** @param post sends one message, resolves when it has been taken; how it fails is of no interest here */
  constructor(post: (text: string) => Promise<void>) {
    this.#post = post
  }

  /** Resolves when the message has been taken, or never will be: where too much waits already, it is dropped. */
  say(text: string): Promise<void> {
    if (this.#underWay < underWayMax) return this.#send(text)
    if (this.#waitingChars > waitingCharsMax) return Promise.resolve()
    this.#waitingChars += text.length
    return new Promise((over) => this.#waiting.add({ text, over }))
  }

  /** Nothing that waits is sent any more. */
  end(): void {
    for (const { over } of this.#waiting) over()
    this.#waiting.clear()
    this.#waitingChars = 0
  }

  async #send(text: string): Promise<void> {
    this.#underWay++
    await this.#post(text).catch(() => undefined)
    this.#underWay--
    const [next] = this.#waiting
    if (!next) return
    this.#waiting.delete(next)
    this.#waitingChars -= next.text.length
    void this.#send(next.text).then(next.over)
  }
}

type Waiting = { text: string; over: () => void }

const underWayMax = 16
/** One message always fits. */
const waitingCharsMax = 8_388_608
