/** Where something is, in degrees north and east. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

const EARTH_KM = 6371;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Kilometres between two places along the surface of the earth, taken for a sphere (haversine formula). */
export const distanceKm = (a: Coordinates, b: Coordinates): number => {
  const [from, to] = [radians(a.latitude), radians(b.latitude)];
  const across = radians(b.longitude - a.longitude);
  const half = Math.sin((to - from) / 2) ** 2 + Math.cos(from) * Math.cos(to) * Math.sin(across / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half)));
};
