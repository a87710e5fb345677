/** What the pages show. */
import { connectPath } from '#core/credential/connect-link.ts'
import { listPage } from './list-page.ts'
import { donePage } from './other-pages.ts'
import { ownerWordOf } from './parts.ts'
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
      return arrive({ connections }, visit, route.at)
    case 'done': {
      const owner = query.get('owner') ?? undefined
      const connection = connections.get(caller, { server: route.server, owner })
      const visitor = signedInOf(visit)
      // Whoever comes back to this address later is not told what is true no more.
      const isDone = connection.state === 'connected'
      return { page: isDone ? donePage(connection, visitor) : serverPage({ connection, visitor, link: undefined }) }
    }
    default: {
      const link = query.get('for') ?? undefined
      const words = wordsOf(visit, { owner: query.get('owner') ?? undefined, link })
      return { page: serverPage({ connection: connections.get(caller, words), visitor: signedInOf(visit), link }) }
    }
  }
}

/** The answer of the authorization server stands in the address: the browser is led away from there. */
async function arrive({ connections }: Options, visit: Visit, at: string): Promise<Answer> {
  const { visitor, query } = visit
  const connection = await connections.finish(callerOf(visit), { browser: visitor.browser, at, answer: query })
  const owner = encodeURIComponent(ownerWordOf(connection))
  return { seeOther: `${connectPath(connection.server)}/done?owner=${owner}` }
}
