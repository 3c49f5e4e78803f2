/** Which subscription something belongs to. */

/** The subscription GUID of an id, or the empty text for the stamp itself. */
export function subscriptionOf(id: string): string {
  return /^\/subscriptions\/([^/]+)/i.exec(id)?.[1]?.toLowerCase() ?? '';
}
