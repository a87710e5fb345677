/** Where this database holds sealed texts. A table that gets some more of them gets a place here, and a `sealed_by` that names `vault_key`. */
import type { SealedPlace } from '#core/vault/sealed-place.ts'
import type { Database } from './database.ts'
import { sealedAnswers } from './sealed-answers.ts'
import { sealedResources } from './sealed-resources.ts'

export function createSqlSealedPlaces(database: Pick<Database, 'queries' | 'readSnapshot'>): SealedPlace[] {
  return [sealedResources(database), sealedAnswers(database)]
}
