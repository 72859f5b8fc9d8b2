/** The attribute by which everybody, also whoever comes later, learns that somebody records on their own device. */
export const recordingAttribute = 'tertulia.recording';
