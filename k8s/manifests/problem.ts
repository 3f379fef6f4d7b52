/** A launch that no manifest can express; the message says why and is fit for the user. No retry can help. */
export class ManifestProblem extends Error {
  override readonly name = 'ManifestProblem';
}
