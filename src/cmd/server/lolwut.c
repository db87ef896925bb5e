/* LOLWUT: draws a pollard, the tree the server is named after: a trunk, the knots where it was cut,
 * and shoots that grow anew. Pure; the same arguments draw the same tree. On the reactor. */
#include "pollard/base/number.h"
#include "pollard/exec/exec.h"
#include "pollard_commands.h"

/* Size of the canvas, and its bounds when the client chooses. */
#define COLUMNS_DEFAULT 66
#define COLUMNS_MIN 20
#define COLUMNS_MAX 160
#define ROWS 18

struct canvas {
    int columns;
    uint64_t seed;
    char cells[ROWS][COLUMNS_MAX];
};

/* A small generator of its own, so that a version and its arguments always draw the same. */
static unsigned canvas_random(struct canvas *canvas, unsigned bound)
{
    canvas->seed ^= canvas->seed << 13;
    canvas->seed ^= canvas->seed >> 7;
    canvas->seed ^= canvas->seed << 17;
    return (unsigned)(canvas->seed % bound);
}

static void canvas_set(struct canvas *canvas, int row, int column, char cell)
{
    if (row >= 0 && row < ROWS && column >= 0 && column < canvas->columns) {
        canvas->cells[row][column] = cell;
    }
}

/* A shoot grows up from the crown, leaning to its side, with leaves at its end. */
static void draw_shoot(struct canvas *canvas, int row, int column, int lean)
{
    int length = 4 + (int)canvas_random(canvas, 6);
    for (int i = 0; i < length; i++) {
        bool leans = lean != 0 && canvas_random(canvas, 3) != 0;
        column += leans ? lean : 0;
        row--;
        canvas_set(canvas, row, column, !leans ? '|' : lean < 0 ? '\\' : '/');
    }
    static const char leaves[] = "o*@.";
    for (int i = -1; i <= 1; i++) {
        canvas_set(canvas, row - 1, column + i, leaves[canvas_random(canvas, 4)]);
    }
}

static void draw_tree(struct canvas *canvas)
{
    memset(canvas->cells, ' ', sizeof(canvas->cells));
    int middle = canvas->columns / 2;
    int half = 1 + canvas->columns / 40;
    int crown = ROWS - 7;
    for (int row = crown; row < ROWS - 1; row++) {
        for (int column = middle - half; column <= middle + half; column++) {
            bool is_bark = column == middle - half || column == middle + half;
            canvas_set(canvas, row, column, is_bark ? '|' : canvas_random(canvas, 4) ? ' ' : ':');
        }
    }
    int spread = canvas->columns / 6;
    for (int column = middle - spread; column <= middle + spread; column++) {
        canvas_set(canvas, crown, column, canvas_random(canvas, 3) == 0 ? 'O' : '=');
    }
    for (int column = middle - spread; column <= middle + spread; column += 2) {
        int lean = column < middle - 2 ? -1 : column > middle + 2;
        draw_shoot(canvas, crown, column, lean);
    }
    for (int column = 0; column < canvas->columns; column++) {
        canvas_set(canvas, ROWS - 1, column, canvas_random(canvas, 7) == 0 ? ',' : '_');
    }
}

static void print_tree(const struct canvas *canvas, struct buf *text)
{
    for (int row = 0; row < ROWS; row++) {
        int size = canvas->columns;
        while (size > 0 && canvas->cells[row][size - 1] == ' ') {
            size--;
        }
        buf_append(text, bytes_make(canvas->cells[row], (size_t)size));
        buf_append_byte(text, '\n');
    }
}

enum status cmd_lolwut(struct exec *x)
{
    struct canvas canvas = {.columns = COLUMNS_DEFAULT, .seed = 0x9e3779b97f4a7c15};
    uint32_t first = 1;
    int64_t number = 0;
    if (x->argc >= 2 && bytes_is(x->argv[1], "version")) {
        if (x->argc >= 3 && !number_parse_i64(x->argv[2], &number)) {
            return STATUS_NOT_INTEGER;
        }
        canvas.seed += (uint64_t)number * 0x2545f4914f6cdd1d;
        first = 3;
    }
    for (uint32_t i = first; i < x->argc; i++) {
        if (!number_parse_i64(x->argv[i], &number)) {
            return STATUS_NOT_INTEGER;
        }
        canvas.seed += (uint64_t)number * (i + 1);
        if (i == first) {
            number = number < COLUMNS_MIN ? COLUMNS_MIN : number;
            canvas.columns = (int)(number > COLUMNS_MAX ? COLUMNS_MAX : number);
        }
    }
    canvas.seed |= 1; /* The generator must not start from 0. */
    draw_tree(&canvas);
    struct buf text = {0};
    print_tree(&canvas, &text);
    buf_format(&text, "\nA pollard is cut back so that it keeps growing. Pollard ver. %s\n",
               POLLARD_VERSION);
    reply_verbatim(x->reply, "txt", buf_bytes(&text));
    buf_deinit(&text);
    return STATUS_OK;
}
