// oxlint-disable-next-line no-restricted-imports -- contract suites live outside src
import { tokenStoreContract } from '../../../test/contracts/token-store.ts'
import { createMemoryTokenStore } from './token-store.ts'

tokenStoreContract(async () => createMemoryTokenStore())
