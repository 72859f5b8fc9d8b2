/** Where a sign-in leads: the room that asked for it (`/login?to=Room`), else the own rooms. */
export function signInLeadsTo(search = window.location.search): string {
  const room = new URLSearchParams(search).get('to');
  return room ? `/${encodeURIComponent(room)}` : '/my';
}
