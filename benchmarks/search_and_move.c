/* Search for partners, pairing and movement of a tick, written by hand: a yardstick for the engine.
 *
 * It does what the systems index_traders, search_partners, choose, match and move of ecs_market do in
 * a bilateral economy of two goods without posts and resources, on a bounded grid, for agents that all
 * can walk: every agent ranks those it sees, and that see it, by the second-order gain of the pair's
 * best trade discounted by distance, keeps the best eight, is paired by sequential greedy matching
 * over these lists (in rounds of mutual favourites), and walks towards its partner or at random.
 *
 * What makes it fast: agents are kept in the order of bins, strips of 2^STRIP_SHIFT rows cut into
 * pieces of 2^PIECE_SHIFT columns, so that a neighbourhood is one contiguous run in each of two or
 * three strips; positions are two 16-bit numbers in a word, eight agents to a vector; who is seen is
 * written down without branches; gains are computed for eight pairs at a time in float32, whoever they
 * belong to; lists are sorted by counting ranks; random numbers are drawn for eight agents at a time.
 *
 *     cc -O3 -march=native -mavx2 -fopenmp -shared -fPIC -o search_and_move.so search_and_move.c
 */

#include <immintrin.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STRIP_SHIFT = 3,
    PIECE_SHIFT = 1,
    SLOTS = 8,      /* candidates that an agent keeps */
    BLOCK = 64,     /* agents whose pairs are collected before their gains are computed */
    CHUNK = 1024,   /* agents that a thread takes at a time */
    WALK_TICKS = 5, /* a random walk keeps its direction for so long */
    IDLE_WALK = 7,  /* Philox stream */
    MAX_SIDE = 16383,
    MAX_SIGHT = 255,
    MAX_THREADS = 1024,
    PADDING = 8,    /* vectors read up to so many entries past the last agent */
};
#define TINY 1e-30f
#define NOBODY (-1)

/* What the gain of a pair depends on; one vector an agent. */
typedef struct {
    float rate[2], curvature[2], stock[2], cash, unused;
} __attribute__((aligned(32))) Trader;

/* Agents in the order of bins, or on their way there. */
typedef struct {
    Trader *trader;
    int32_t *at;     /* x in the low 16 bits, y in the high ones [cell] */
    int32_t *traits; /* bytes: vision, interaction radius, move budget */
    int32_t *id;
} Columns;

typedef struct {
    int64_t agents;
    int32_t width, height, strips, pieces;
    int32_t farthest, reach; /* how far an agent may move in a tick [cell], [strip] */
    float least_gain;
    float beta_power[MAX_SIGHT + 1];
    Columns now, next;
    int32_t *start;       /* first agent of each bin, at one place further on; see `sort` */
    int32_t *strip_start; /* first agent of each strip before this tick's sorting */
    int32_t *list;        /* candidates, best first, SLOTS an agent */
    float *best;          /* weight of the best candidate */
    uint8_t *count, *crowded; /* candidates; whether there were more than SLOTS */
    uint8_t *cursor;          /* candidates that are taken */
    int32_t *favourite, *partner;
    int32_t *back, *left; /* see `match` */
    int64_t sums[MAX_THREADS];
    double times[4];      /* sorting, search, pairing, movement [s] */
    double processor;     /* time of all threads together [s] */
} State;

static uint8_t packed[256][8]; /* lanes of the set bits of a byte, lowest first */

static inline int32_t x_of(int32_t at) { return (int16_t)at; }
static inline int32_t y_of(int32_t at) { return at >> 16; }
static inline int32_t vision_of(int32_t traits) { return traits & 0xFF; }
static inline int32_t interaction_of(int32_t traits) { return traits >> 8 & 0xFF; }
static inline int32_t budget_of(int32_t traits) { return traits >> 16 & 0xFF; }
static inline int32_t min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t max(int32_t a, int32_t b) { return a > b ? a : b; }

static inline int64_t bin_of(const State *s, int32_t at)
{
    return (int64_t)(y_of(at) >> STRIP_SHIFT) * s->pieces + (x_of(at) >> PIECE_SHIFT);
}

/* --- index ------------------------------------------------------------------------------------- */

/* Sort agents into bins: a thread counts and places the agents of its own strips, which before the
 * last movement were in these strips or at most `reach` further. Called by all threads. */
static void sort(State *s)
{
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const int32_t first = (int32_t)(s->strips * thread / threads);
    const int32_t last = (int32_t)(s->strips * (thread + 1) / threads);
    const int64_t from = s->strip_start[max(0, first - s->reach)];
    const int64_t to = s->strip_start[min(s->strips, last + s->reach)];
    const int64_t low = (int64_t)first * s->pieces, bins = (int64_t)(last - first) * s->pieces;
    int32_t *start = s->start + 1;
    memset(start + low, 0, bins * sizeof *start);
    int64_t mine = 0;
    for (int64_t i = from; i < to; i++) {
        const uint64_t bin = bin_of(s, s->now.at[i]) - low;
        if (bin < (uint64_t)bins) {
            start[low + bin]++;
            mine++;
        }
    }
    s->sums[thread] = mine;
#pragma omp barrier
    int32_t place = 0;
    for (int64_t t = 0; t < thread; t++)
        place += (int32_t)s->sums[t];
    for (int64_t bin = low; bin < low + bins; bin++) {
        const int32_t here = start[bin];
        start[bin] = place;
        place += here;
    }
    for (int64_t i = from; i < to; i++) {
        const int32_t at = s->now.at[i];
        const uint64_t bin = bin_of(s, at) - low;
        if (bin < (uint64_t)bins) {
            /* Afterwards each entry is where its bin ends: shifted by one, where bins start. */
            const int32_t here = start[low + bin]++;
            s->next.at[here] = at;
            s->next.traits[here] = s->now.traits[i];
            s->next.id[here] = s->now.id[i];
            _mm256_store_si256((__m256i *)&s->next.trader[here],
                               _mm256_load_si256((const __m256i *)&s->now.trader[i]));
        }
    }
#pragma omp barrier
#pragma omp single
    {
        const Columns sorted = s->next;
        s->next = s->now;
        s->now = sorted;
        s->start[0] = 0;
        for (int32_t strip = 0; strip <= s->strips; strip++)
            s->strip_start[strip] = s->start[(int64_t)strip * s->pieces];
    }
}

/* --- search ------------------------------------------------------------------------------------ */

/* Pairs of agents that see each other, those of one agent after those of another. */
typedef struct {
    int64_t room;
    int32_t *self, *other, *distance;
    float *weight;
} Pairs;

static void make_room(Pairs *p, int64_t wanted)
{
    if (wanted + PADDING <= p->room)
        return;
    p->room = 2 * (wanted + PADDING);
    p->self = realloc(p->self, p->room * sizeof *p->self);
    p->other = realloc(p->other, p->room * sizeof *p->other);
    p->distance = realloc(p->distance, p->room * sizeof *p->distance);
    p->weight = realloc(p->weight, p->room * sizeof *p->weight);
    if (!p->self || !p->other || !p->distance || !p->weight)
        abort();
}

static void free_pairs(Pairs *p)
{
    free(p->self);
    free(p->other);
    free(p->distance);
    free(p->weight);
}

/* Append those that agent i sees and that see it; return how many pairs there are now. */
static inline int64_t look(const State *s, int64_t i, Pairs *p, int64_t pairs)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int32_t at = s->now.at[i], sight = vision_of(s->now.traits[i]);
    const int32_t left = max(0, x_of(at) - sight) >> PIECE_SHIFT;
    const int32_t right = min(s->width - 1, x_of(at) + sight) >> PIECE_SHIFT;
    const int32_t top = max(0, y_of(at) - sight) >> STRIP_SHIFT;
    const int32_t bottom = min(s->height - 1, y_of(at) + sight) >> STRIP_SHIFT;
    const __m256i here = _mm256_set1_epi32(at), self = _mm256_set1_epi32((int32_t)i);
    const __m256i beyond = _mm256_set1_epi32(sight + 1), byte = _mm256_set1_epi32(0xFF);
    for (int32_t strip = top; strip <= bottom; strip++) {
        const int32_t *start = s->start + (int64_t)strip * s->pieces;
        const int32_t first = start[left], last = start[right + 1];
        make_room(p, pairs + last - first);
        for (int32_t j = first; j < last; j += 8) {
            const __m256i who = _mm256_add_epi32(_mm256_set1_epi32(j), lanes);
            const __m256i there = _mm256_loadu_si256((const __m256i *)(s->now.at + j));
            const __m256i traits = _mm256_loadu_si256((const __m256i *)(s->now.traits + j));
            const __m256i gap = _mm256_abs_epi16(_mm256_sub_epi16(there, here));
            const __m256i far = _mm256_madd_epi16(gap, _mm256_set1_epi16(1));
            __m256i seen = _mm256_cmpgt_epi32(beyond, far);
            seen = _mm256_andnot_si256(
                _mm256_cmpgt_epi32(far, _mm256_and_si256(traits, byte)), seen);
            seen = _mm256_and_si256(seen, _mm256_cmpgt_epi32(_mm256_set1_epi32(last), who));
            seen = _mm256_andnot_si256(_mm256_cmpeq_epi32(who, self), seen);
            const uint32_t bits = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(seen));
            const __m256i order =
                _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)packed[bits]));
            _mm256_storeu_si256((__m256i *)(p->self + pairs), self);
            _mm256_storeu_si256((__m256i *)(p->other + pairs),
                                _mm256_permutevar8x32_epi32(who, order));
            _mm256_storeu_si256((__m256i *)(p->distance + pairs),
                                _mm256_permutevar8x32_epi32(far, order));
            pairs += __builtin_popcount(bits);
        }
    }
    return pairs;
}

/* Load the numbers of eight agents, one vector each: rates, curvatures, stocks, cash. */
static inline void load_traders(const Trader *trader, const int32_t *who, __m256 out[7])
{
    __m256 t[8], u[8];
    for (int k = 0; k < 8; k++)
        t[k] = _mm256_load_ps((const float *)&trader[who[k]]);
    for (int k = 0; k < 4; k++) {
        u[2 * k] = _mm256_unpacklo_ps(t[2 * k], t[2 * k + 1]);
        u[2 * k + 1] = _mm256_unpackhi_ps(t[2 * k], t[2 * k + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
        t[k] = _mm256_shuffle_ps(u[k], u[k + 2], 0x44);
        t[k + 1] = _mm256_shuffle_ps(u[k], u[k + 2], 0xEE);
        t[k + 2] = _mm256_shuffle_ps(u[k + 1], u[k + 3], 0x44);
        t[k + 3] = _mm256_shuffle_ps(u[k + 1], u[k + 3], 0xEE);
    }
    for (int k = 0; k < 4; k++)
        out[k] = _mm256_permute2f128_ps(t[k], t[k + 4], 0x20);
    for (int k = 0; k < 3; k++)
        out[k + 4] = _mm256_permute2f128_ps(t[k], t[k + 4], 0x31);
}

/* The gain of the best trade of one good for money, for eight pairs. */
static inline __m256 gain_in(const __m256 a[7], const __m256 b[7], int good)
{
    const __m256 zero = _mm256_setzero_ps(), half = _mm256_set1_ps(0.5f), tiny = _mm256_set1_ps(TINY);
    const __m256 minus = _mm256_set1_ps(-0.0f);
    const __m256 apart = _mm256_sub_ps(a[good], b[good]);
    const __m256 gap = _mm256_andnot_ps(minus, apart);
    const __m256 bend = _mm256_add_ps(a[2 + good], b[2 + good]);
    const __m256 second_buys = _mm256_cmp_ps(apart, zero, _CMP_LT_OQ);
    const __m256 stock = _mm256_blendv_ps(b[4 + good], a[4 + good], second_buys);
    const __m256 cash = _mm256_blendv_ps(a[6], b[6], second_buys);
    const __m256 price = _mm256_mul_ps(half, _mm256_add_ps(a[good], b[good]));
    __m256 quantity = _mm256_min_ps(_mm256_div_ps(gap, _mm256_max_ps(bend, tiny)), stock);
    const __m256 short_of_cash = _mm256_cmp_ps(_mm256_mul_ps(quantity, price), cash, _CMP_GT_OQ);
    if (_mm256_movemask_ps(short_of_cash))
        quantity = _mm256_min_ps(quantity, _mm256_div_ps(cash, _mm256_max_ps(price, tiny)));
    const __m256 loss = _mm256_mul_ps(_mm256_mul_ps(half, bend), quantity);
    return _mm256_mul_ps(quantity, _mm256_sub_ps(gap, loss));
}

/* Weigh pairs, eight at a time; what is worth too little weighs nothing. */
static inline void weigh(const State *s, const Pairs *p, int64_t pairs)
{
    /* Lanes past the last pair repeat it. */
    for (int k = 0; k < PADDING; k++) {
        p->self[pairs + k] = pairs ? p->self[pairs - 1] : 0;
        p->other[pairs + k] = pairs ? p->other[pairs - 1] : 0;
        p->distance[pairs + k] = 0;
    }
    const __m256 least = _mm256_set1_ps(s->least_gain);
    for (int64_t k = 0; k < pairs; k += 8) {
        __m256 a[7], b[7];
        load_traders(s->now.trader, p->self + k, a);
        load_traders(s->now.trader, p->other + k, b);
        const __m256i far = _mm256_loadu_si256((const __m256i *)(p->distance + k));
        const __m256 discount = _mm256_i32gather_ps(s->beta_power, far, 4);
        const __m256 gain = _mm256_max_ps(gain_in(a, b, 0), gain_in(a, b, 1));
        const __m256 weight = _mm256_mul_ps(gain, discount);
        const __m256 pays = _mm256_cmp_ps(weight, least, _CMP_GE_OQ);
        _mm256_storeu_ps(p->weight + k, _mm256_and_ps(weight, pays));
    }
}

/* Keep the best of any number of candidates, ties by the lower id. */
static void insert_all(State *s, int64_t i, const Pairs *p, int64_t first, int64_t last)
{
    float weights[SLOTS];
    int32_t *list = s->list + i * SLOTS;
    int found = 0, pay = 0;
    for (int64_t k = first; k < last; k++) {
        const float weight = p->weight[k];
        const int32_t other = p->other[k];
        if (weight <= 0.0f)
            continue;
        pay++;
        int place = found;
        while (place > 0 && (weights[place - 1] < weight ||
                             (weights[place - 1] == weight &&
                              s->now.id[list[place - 1]] > s->now.id[other])))
            place--;
        if (place == SLOTS)
            continue;
        found = min(found + 1, SLOTS);
        for (int slot = found - 1; slot > place; slot--) {
            weights[slot] = weights[slot - 1];
            list[slot] = list[slot - 1];
        }
        weights[place] = weight;
        list[place] = other;
    }
    s->count[i] = (uint8_t)found;
    s->favourite[i] = found ? list[0] : NOBODY;
    s->crowded[i] = pay > SLOTS;
    s->best[i] = found ? weights[0] : 0.0f;
}

/* Keep the best candidates of an agent: a candidate's place is how many are better. */
static inline void keep_best(State *s, int64_t i, const Pairs *p, int64_t first, int64_t last)
{
    const int found = (int)(last - first);
    if (found > SLOTS) {
        insert_all(s, i, p, first, last);
        return;
    }
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i those = _mm256_cmpgt_epi32(_mm256_set1_epi32(found), lanes);
    const __m256 weights =
        _mm256_and_ps(_mm256_loadu_ps(p->weight + first), _mm256_castsi256_ps(those));
    const __m256 pays = _mm256_cmp_ps(weights, _mm256_setzero_ps(), _CMP_GT_OQ);
    const uint32_t paying = (uint32_t)_mm256_movemask_ps(pays);
    int32_t *list = s->list + i * SLOTS;
    float best = 0.0f;
    int tied = 0;
    /* Most have at most four: that many, so that the processor need not guess. */
    for (int k = 0; k < 4 || k < found; k++) {
        const float own = k < found ? p->weight[first + k] : 0.0f;
        const __m256 weight = _mm256_set1_ps(own);
        const uint32_t better =
            (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(weights, weight, _CMP_GT_OQ));
        const uint32_t equal =
            (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(weights, weight, _CMP_EQ_OQ)) & paying;
        tied |= equal & (equal - 1);
        /* What does not pay comes last, one on top of the other. */
        list[__builtin_popcount(better)] = p->other[first + k];
        best = own > best ? own : best;
    }
    if (tied) {
        insert_all(s, i, p, first, last);
        return;
    }
    s->count[i] = (uint8_t)__builtin_popcount(paying);
    s->favourite[i] = paying ? list[0] : NOBODY;
    s->crowded[i] = 0;
    s->best[i] = best;
}

/* Find everybody's best candidates. Called by all threads. */
static void search(State *s)
{
    Pairs p = {0};
    make_room(&p, 4096);
#pragma omp for schedule(dynamic)
    for (int64_t from = 0; from < s->agents; from += CHUNK) {
        const int64_t to = from + CHUNK < s->agents ? from + CHUNK : s->agents;
        for (int64_t block = from; block < to; block += BLOCK) {
            const int64_t end = block + BLOCK < to ? block + BLOCK : to;
            int64_t first[BLOCK + 1];
            first[0] = 0;
            for (int64_t i = block; i < end; i++)
                first[i - block + 1] = look(s, i, &p, first[i - block]);
            weigh(s, &p, first[end - block]);
            for (int64_t i = block; i < end; i++) {
                keep_best(s, i, &p, first[i - block], first[i - block + 1]);
                s->cursor[i] = 0;
            }
        }
    }
    free_pairs(&p);
}

/* --- pairing ----------------------------------------------------------------------------------- */

static int lists(const State *s, int32_t i, int32_t j)
{
    for (int k = 0; k < s->count[i]; k++)
        if (s->list[(int64_t)i * SLOTS + k] == j)
            return 1;
    return 0;
}

/* Of those that list agent i but found no room in its own list, return the best one left. */
static int32_t best_suitor(const State *s, int32_t i, Pairs *p)
{
    const int64_t pairs = look(s, i, p, 0);
    weigh(s, p, pairs);
    int32_t chosen = NOBODY;
    float best = 0.0f;
    for (int64_t k = 0; k < pairs; k++) {
        const int32_t j = p->other[k];
        const float weight = p->weight[k];
        if (weight <= 0.0f || s->partner[j] != NOBODY || !lists(s, j, i) || lists(s, i, j))
            continue;
        if (weight > best ||
            (weight == best && s->now.id[j] < s->now.id[chosen])) {
            best = weight;
            chosen = j;
        }
    }
    return chosen;
}

/* The best candidate of agent i that is left. */
static inline int32_t favourite_of(State *s, int32_t i, Pairs *p)
{
    int cursor = s->cursor[i];
    const int count = s->count[i];
    const int32_t *list = s->list + (int64_t)i * SLOTS;
    while (cursor < count && s->partner[list[cursor]] != NOBODY)
        cursor++;
    s->cursor[i] = (uint8_t)cursor;
    if (cursor < count)
        return list[cursor];
    return s->crowded[i] ? best_suitor(s, i, p) : NOBODY;
}

/* Pair agent i, after everybody who has to be paired before it: from favourite to favourite weights
 * only grow, so that this ends at two who prefer each other. Gives up, and returns 0, where the way
 * leads to agents of another thread. */
static inline int pair_up(State *s, int32_t i, int64_t from, int64_t to, Pairs *p)
{
    int32_t here = i;
    s->back[i] = NOBODY;
    while (here != NOBODY) {
        const int32_t j = favourite_of(s, here, p);
        if (j == NOBODY)
            return 1;
        if (j < from || j >= to)
            return 0;
        if (favourite_of(s, j, p) == here) {
            s->partner[here] = j;
            s->partner[j] = here;
            here = s->back[here];
        } else {
            s->back[j] = here;
            here = j;
        }
    }
    return 1;
}

/* Pair agents i to i + 7, as far as they are the first choice of their first choice. */
static inline void pair_mutual(State *s, int64_t i)
{
    const __m256i nobody = _mm256_set1_epi32(NOBODY);
    const __m256i j = _mm256_loadu_si256((const __m256i *)(s->favourite + i));
    const __m256i self = _mm256_add_epi32(_mm256_set1_epi32((int32_t)i),
                                          _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    /* Who has no favourite is not looked up. */
    const __m256i theirs =
        _mm256_mask_i32gather_epi32(nobody, s->favourite, j, _mm256_cmpgt_epi32(j, nobody), 4);
    _mm256_storeu_si256((__m256i *)(s->partner + i),
                        _mm256_blendv_epi8(nobody, j, _mm256_cmpeq_epi32(theirs, self)));
}

/* Pair by sequential greedy matching. Called by all threads; each pairs those of its own range, what
 * crosses the edge of a range is left to one of them. */
static void match(State *s)
{
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const int64_t from = s->agents * thread / threads, to = s->agents * (thread + 1) / threads;
    Pairs p = {0};
    int64_t left = 0;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < s->agents; i += 8)
        pair_mutual(s, i);
    for (int64_t i = from; i < to; i++)
        if (s->partner[i] == NOBODY && !pair_up(s, (int32_t)i, from, to, &p))
            s->left[from + left++] = (int32_t)i;
    s->sums[thread] = left;
#pragma omp barrier
#pragma omp single
    for (int64_t t = 0; t < threads; t++)
        for (int64_t k = 0; k < s->sums[t]; k++) {
            const int32_t i = s->left[s->agents * t / threads + k];
            if (s->partner[i] == NOBODY)
                pair_up(s, i, 0, s->agents, &p);
        }
    free_pairs(&p);
}

/* --- movement ---------------------------------------------------------------------------------- */

static inline void multiply(__m256i a, uint32_t by, __m256i *high, __m256i *low)
{
    const __m256i b = _mm256_set1_epi64x(by);
    const __m256i even = _mm256_mul_epu32(a, b);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

/* The first word of Philox4x32-10 for eight agents (Salmon, Moraes, Dror and Shaw 2011). */
static inline __m256i philox(uint64_t seed, uint32_t tick, __m256i ids, uint32_t stream)
{
    __m256i c0 = _mm256_setzero_si256(), c1 = _mm256_set1_epi32((int32_t)tick);
    __m256i c2 = ids, c3 = _mm256_set1_epi32((int32_t)stream);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        __m256i high0, low0, high1, low1;
        multiply(c0, 0xD2511F53u, &high0, &low0);
        multiply(c2, 0xCD9E8D57u, &high1, &low1);
        c0 = _mm256_xor_si256(_mm256_xor_si256(high1, c1), _mm256_set1_epi32((int32_t)k0));
        c2 = _mm256_xor_si256(_mm256_xor_si256(high0, c3), _mm256_set1_epi32((int32_t)k1));
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c0;
}

static inline int32_t join(int32_t x, int32_t y)
{
    return (int32_t)((uint32_t)y << 16 | (uint32_t)x);
}

/* Walk at random, eight agents at a time; lanes past the last one are not written. */
static void wander(const State *s, const int32_t *who, int count, uint64_t seed, uint32_t tick,
                   int32_t *out)
{
    for (int k = 0; k < count; k += 8) {
        int32_t turns[8], ids[8];
        for (int lane = 0; lane < 8; lane++)
            ids[lane] = s->now.id[who[k + lane]];
        const __m256i words =
            philox(seed, tick / WALK_TICKS, _mm256_loadu_si256((const __m256i *)ids), IDLE_WALK);
        _mm256_storeu_si256((__m256i *)turns, _mm256_srli_epi32(words, 30));
        for (int lane = 0; lane < min(8, count - k); lane++) {
            const int32_t i = who[k + lane], at = s->now.at[i], turn = turns[lane];
            const int32_t budget = budget_of(s->now.traits[i]);
            const int32_t steps = turn & 1 ? -budget : budget;
            const int32_t x = x_of(at) + (turn < 2 ? steps : 0);
            const int32_t y = y_of(at) + (turn < 2 ? 0 : steps);
            out[i] = join(min(max(x, 0), s->width - 1), min(max(y, 0), s->height - 1));
        }
    }
}

/* Walk towards partners, along the longer axis first: agents i to i + 7. */
static inline __m256i approach(const State *s, int64_t i)
{
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi32(1);
    const __m256i byte = _mm256_set1_epi32(0xFF);
    const __m256i j = _mm256_max_epi32(
        _mm256_loadu_si256((const __m256i *)(s->partner + i)), zero);
    const __m256i at = _mm256_loadu_si256((const __m256i *)(s->now.at + i));
    const __m256i mine = _mm256_loadu_si256((const __m256i *)(s->now.traits + i));
    const __m256i id = _mm256_loadu_si256((const __m256i *)(s->now.id + i));
    const __m256i to = _mm256_i32gather_epi32(s->now.at, j, 4);
    const __m256i theirs = _mm256_i32gather_epi32(s->now.traits, j, 4);
    const __m256i other = _mm256_i32gather_epi32(s->now.id, j, 4);
    const __m256i to_x = _mm256_srai_epi32(_mm256_slli_epi32(to, 16), 16);
    const __m256i to_y = _mm256_srai_epi32(to, 16);
    __m256i gap_x = _mm256_sub_epi32(to_x, _mm256_srai_epi32(_mm256_slli_epi32(at, 16), 16));
    __m256i gap_y = _mm256_sub_epi32(to_y, _mm256_srai_epi32(at, 16));
    const __m256i reach = _mm256_min_epi32(_mm256_and_si256(_mm256_srli_epi32(mine, 8), byte),
                                           _mm256_and_si256(_mm256_srli_epi32(theirs, 8), byte));
    /* Of two that can meet now the higher id waits. */
    const __m256i walks = _mm256_srli_epi32(theirs, 16);
    const __m256i near = _mm256_add_epi32(walks, _mm256_max_epi32(one, reach));
    const __m256i apart = _mm256_add_epi32(_mm256_abs_epi32(gap_x), _mm256_abs_epi32(gap_y));
    const __m256i waits = _mm256_andnot_si256(_mm256_cmpgt_epi32(apart, near),
                                              _mm256_cmpgt_epi32(id, other));
    const __m256i budget = _mm256_andnot_si256(waits, _mm256_srli_epi32(mine, 16));
    for (int32_t step = 0; step < s->farthest; step++) {
        const __m256i far_x = _mm256_abs_epi32(gap_x), far_y = _mm256_abs_epi32(gap_y);
        const __m256i on = _mm256_and_si256(
            _mm256_cmpgt_epi32(_mm256_add_epi32(far_x, far_y), reach),
            _mm256_cmpgt_epi32(budget, _mm256_set1_epi32(step)));
        const __m256i along_y = _mm256_cmpgt_epi32(far_y, far_x);
        /* 1 or -1, and never 0, for there is a gap on the longer axis. */
        const __m256i sign_x = _mm256_or_si256(_mm256_cmpgt_epi32(zero, gap_x), one);
        const __m256i sign_y = _mm256_or_si256(_mm256_cmpgt_epi32(zero, gap_y), one);
        gap_x = _mm256_sub_epi32(gap_x,
                                 _mm256_and_si256(_mm256_andnot_si256(along_y, on), sign_x));
        gap_y = _mm256_sub_epi32(gap_y, _mm256_and_si256(_mm256_and_si256(along_y, on), sign_y));
    }
    return _mm256_or_si256(_mm256_slli_epi32(_mm256_sub_epi32(to_y, gap_y), 16),
                           _mm256_and_si256(_mm256_sub_epi32(to_x, gap_x),
                                            _mm256_set1_epi32(0xFFFF)));
}

/* Move everybody; new positions go to `next.at`, for all look at where others were. */
static void move(State *s, uint64_t seed, uint32_t tick)
{
    int32_t *out = s->next.at;
#pragma omp for schedule(static)
    for (int64_t from = 0; from < s->agents; from += CHUNK) {
        const int64_t to = from + CHUNK < s->agents ? from + CHUNK : s->agents;
        int32_t idle[CHUNK + PADDING];
        int idlers = 0;
        for (int64_t i = from; i < to; i += 8)
            _mm256_storeu_si256((__m256i *)(out + i), approach(s, i));
        for (int64_t i = from; i < to; i++) {
            idle[idlers] = (int32_t)i;
            idlers += s->partner[i] < 0;
        }
        for (int k = 0; k < PADDING; k++)
            idle[idlers + k] = (int32_t)from;
        wander(s, idle, idlers, seed, tick, out);
    }
}

/* --- what the benchmark calls ------------------------------------------------------------------ */

int supported(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
}

static void *zeros(int64_t count, size_t size)
{
    const size_t bytes = ((size_t)(count + PADDING) * size + 63) / 64 * 64;
    void *made = aligned_alloc(64, bytes);
    if (made)
        memset(made, 0, bytes);
    return made;
}

void destroy(State *s)
{
    if (!s)
        return;
    Columns both[2] = {s->now, s->next};
    for (int k = 0; k < 2; k++) {
        free(both[k].trader);
        free(both[k].at);
        free(both[k].traits);
        free(both[k].id);
    }
    free(s->start);
    free(s->strip_start);
    free(s->list);
    free(s->best);
    free(s->count);
    free(s->crowded);
    free(s->cursor);
    free(s->favourite);
    free(s->partner);
    free(s->back);
    free(s->left);
    free(s);
}

/* Agents with ids 0 to agents - 1; NULL if there is no memory or the grid is too large. */
State *create(int64_t agents, int32_t width, int32_t height, double beta, double least_gain)
{
    if (width > MAX_SIDE || height > MAX_SIDE || width < 1 || height < 1 || agents > INT32_MAX / 2)
        return NULL;
    State *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    for (int bits = 0; bits < 256; bits++)
        for (int bit = 0, found = 0; bit < 8; bit++)
            if (bits >> bit & 1)
                packed[bits][found++] = (uint8_t)bit;
    s->agents = agents;
    s->width = width;
    s->height = height;
    s->strips = ((height - 1) >> STRIP_SHIFT) + 1;
    s->pieces = ((width - 1) >> PIECE_SHIFT) + 1;
    s->least_gain = (float)least_gain;
    for (int k = 0; k <= MAX_SIGHT; k++)
        s->beta_power[k] = (float)pow(beta, k);
    Columns *both[2] = {&s->now, &s->next};
    int made = 1;
    for (int k = 0; k < 2; k++) {
        made &= (both[k]->trader = zeros(agents, sizeof(Trader))) != NULL;
        made &= (both[k]->at = zeros(agents, 4)) != NULL;
        made &= (both[k]->traits = zeros(agents, 4)) != NULL;
        made &= (both[k]->id = zeros(agents, 4)) != NULL;
    }
    made &= (s->start = zeros((int64_t)s->strips * s->pieces + 1, 4)) != NULL;
    made &= (s->strip_start = zeros(s->strips + 1, 4)) != NULL;
    made &= (s->list = zeros(agents * SLOTS, 4)) != NULL;
    made &= (s->best = zeros(agents, 4)) != NULL;
    made &= (s->count = zeros(agents, 1)) != NULL;
    made &= (s->crowded = zeros(agents, 1)) != NULL;
    made &= (s->cursor = zeros(agents, 1)) != NULL;
    made &= (s->favourite = zeros(agents, 4)) != NULL;
    made &= (s->partner = zeros(agents, 4)) != NULL;
    made &= (s->back = zeros(agents, 4)) != NULL;
    made &= (s->left = zeros(agents, 4)) != NULL;
    if (!made) {
        destroy(s);
        return NULL;
    }
    for (int64_t i = 0; i < agents; i++)
        s->now.id[i] = (int32_t)i;
    return s;
}

/* Put agents into the order of bins by themselves; the strips are then known. */
static void sort_from_scratch(State *s)
{
    /* Everybody may be anywhere. */
    const int32_t reach = s->reach;
    s->reach = s->strips;
    for (int32_t strip = 0; strip <= s->strips; strip++)
        s->strip_start[strip] = strip ? (int32_t)s->agents : 0;
#pragma omp parallel num_threads(1)
    sort(s);
    s->reach = reach;
}

/* Take over columns, indexed by id; agents stay in the order of the tick before.
 * Returns 0, or 1 if a value does not fit or an agent cannot walk. */
int load(State *s, const int32_t *x, const int32_t *y, const int32_t *vision,
         const int32_t *interaction, const int32_t *budget, const float *rate,
         const float *curvature, const int64_t *goods, const int64_t *money, double lot, double minor)
{
    int32_t farthest = 0, fits = 1, stray = 0;
    for (int64_t i = 0; i < s->agents; i++) {
        Trader *t = &s->now.trader[i];
        const int64_t id = s->now.id[i];
        for (int k = 0; k < 2; k++) {
            t->rate[k] = rate[2 * id + k];
            t->curvature[k] = curvature[2 * id + k];
            t->stock[k] = (float)((double)goods[2 * id + k] * lot);
        }
        t->cash = (float)((double)money[id] * minor);
        s->now.at[i] = join(x[id], y[id]);
        fits &= vision[id] <= MAX_SIGHT && interaction[id] <= 255 && budget[id] <= 255;
        fits &= budget[id] > 0 && x[id] >= 0 && x[id] < s->width && y[id] >= 0 && y[id] < s->height;
        s->now.traits[i] = vision[id] | interaction[id] << 8 | budget[id] << 16;
        farthest = max(farthest, budget[id]);
    }
    if (!fits)
        return 1;
    s->reach = (farthest >> STRIP_SHIFT) + 1;
    s->farthest = farthest;
    int32_t strip = 0;
    for (int64_t i = 0; i < s->agents; i++) {
        while (strip < s->strips - 1 && s->strip_start[strip + 1] <= i)
            strip++;
        stray |= abs((y_of(s->now.at[i]) >> STRIP_SHIFT) - strip) > s->reach;
    }
    if (stray || s->strip_start[s->strips] != s->agents)
        sort_from_scratch(s);
    return 0;
}

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Run one tick; return how long it took [s]. */
double tick(State *s, int64_t seed, int64_t number, int32_t threads)
{
    const double used = processor_time(), begin = omp_get_wtime();
    double ends[4];
#pragma omp parallel num_threads(max(1, min(threads, MAX_THREADS)))
    {
        sort(s);
#pragma omp master
        ends[0] = omp_get_wtime();
        search(s);
#pragma omp master
        ends[1] = omp_get_wtime();
        match(s);
#pragma omp barrier
#pragma omp master
        ends[2] = omp_get_wtime();
        move(s, (uint64_t)seed, (uint32_t)number);
    }
    ends[3] = omp_get_wtime();
    int32_t *before = s->now.at;
    s->now.at = s->next.at;
    s->next.at = before;
    for (int k = 0; k < 4; k++)
        s->times[k] = ends[k] - (k ? ends[k - 1] : begin);
    s->processor = processor_time() - used;
    return ends[3] - begin;
}

/* Write positions, best candidates and partners (ids, -1 for none), indexed by id, and times. */
void results(const State *s, int32_t *x, int32_t *y, int64_t *best, int64_t *partner, double *times)
{
    for (int64_t i = 0; i < s->agents; i++) {
        const int64_t id = s->now.id[i];
        const int32_t j = s->partner[i];
        x[id] = x_of(s->now.at[i]);
        y[id] = y_of(s->now.at[i]);
        best[id] = s->count[i] ? s->now.id[s->list[i * SLOTS]] : NOBODY;
        partner[id] = j >= 0 ? s->now.id[j] : NOBODY;
    }
    memcpy(times, s->times, sizeof s->times);
    times[4] = s->processor;
}
