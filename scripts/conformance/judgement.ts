/** What a judge says of a case. */

/** `why`: how the answers differ; empty where they agree. `unsupported`: there is no code for this kind or name. */
export type Judgement = { readonly verdict: 'agree' | 'disagree' | 'unsupported'; readonly why: string };

export const agree: Judgement = { verdict: 'agree', why: '' };

export function disagree(why: string): Judgement {
  return { verdict: 'disagree', why };
}

export function unsupported(why: string): Judgement {
  return { verdict: 'unsupported', why };
}
