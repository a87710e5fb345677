/** What the pages show. */
import { connectPath } from '#core/credential/connect-link.ts'
import { listPage } from './list-page.ts'
import { donePage } from './other-pages.ts'
import { serverPage } from './server-page.ts'
import { callerOf, signedInOf, wordsOf, type Answer, type ConnectSiteOptions, type Visit } from './visit.ts'

type Options = Pick<ConnectSiteOptions, 'connections'>

export async function answerPage({ connections }: Options, visit: Visit): Promise<Answer> {
  const { route, query } = visit
  const caller = callerOf(visit)
  switch (route.kind) {
    case 'list':
      return { page: listPage(await connections.list(caller, {}), signedInOf(visit)) }
    case 'callback':
      return arrive({ connections }, visit)
    case 'done': {
      const owner = query.get('owner') ?? undefined
      return { page: donePage(connections.get(caller, { server: route.server, owner }), signedInOf(visit)) }
    }
    default: {
      const link = query.get('for') ?? undefined
      const words = wordsOf(visit, { owner: query.get('owner') ?? undefined, link })
      return { page: serverPage({ connection: connections.get(caller, words), visitor: signedInOf(visit), link }) }
    }
  }
}

/** The answer of the authorization server stands in the address: the browser is led away from there. */
async function arrive({ connections }: Options, visit: Visit): Promise<Answer> {
  const { visitor, query } = visit
  const { server, owner } = await connections.finish(callerOf(visit), { browser: visitor.browser, answer: query })
  const word = owner.kind === 'gateway' ? owner.kind : `${owner.kind}:${owner.id}`
  return { seeOther: `${connectPath(server)}/done?owner=${encodeURIComponent(word)}` }
}
