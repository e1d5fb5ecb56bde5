using Iced.Intel;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Guest code of every kind the emitter has templates for.</summary>
internal static class GuestCode
{
    internal const ulong Rip = 0x40_0800;

    internal static byte[] Assemble(int bits, Action<Assembler> emit, ulong rip = Rip)
    {
        var a = new Assembler(bits);
        emit(a);
        using var stream = new MemoryStream();
        a.Assemble(new StreamCodeWriter(stream), rip);
        return stream.ToArray();
    }

    /// <summary>Blocks whose encodings are the same in every mode; those of one mode besides.</summary>
    internal static IEnumerable<byte[]> Blocks(int bits)
    {
        foreach (string hex in Every.Concat(bits == 64 ? Only64 : Only32))
        {
            yield return Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        }
    }

    private static readonly string[] Every =
    [
        "EB10", "EBF0", "E900F0", "E900200000", "7510", "75F0", "0F8500F00000", "0F8400F0", "7400", "EBFE", // jumps: forward, backward, far
        "01D87510", "01D875F0", "3BC37210", "39D80F8700F00000", "A8017AF0", // with flags
        "E210", "E2F0", "E110", "E1F0", "E010", "E0F0", "E310", "E3F0", "67E210", "67E1F0", "67E010", "67E3F0", // LOOP, JCXZ
        "E810000000", "E8F0FFFFFF", "E800F00000", "E81000", "66E810000000", "01D8E800200000", "E800000000", // CALL
        "FFD0", "FFE0", "FFD3", "FF17", "FF27", "FF5708", "67FF17", "2EFF27", "26FF17", // indirect
        "C3", "C21000", "66C3", "F3C3", // RET
        "50", "54", "55", "58", "5C", "5D", "6650", "665C", "6658", "6A05", "6AFF", "6844332211", "66681122", // PUSH, POP
        "FF37", "FF7708", "8F07", "8F4708", "FF3424", "8F0424", "8F442408", "FF742408", "6667FF37", // with memory
        "C9", "66C9", "FC", "FD", "FA", "FB", "F390", "0F31", "F4", "0F0B", "CC", "CD80", "0FA2", "9C", "9D", "CF", "0F01D0", // others
        "8A27", "8827", "8637", "0020", "F6E4", "0FB6E4", "0FB6C4", "660FB6E7", "0FBEE7", "86E0", "00F4", "0FC037", // AH to BH
        "648B07", "658B07", "2E8B07", "3E8B07", "268B07", "368B07", "668B07", "678B07", "648807", // segments and sizes
        "8D07", "678D4708", "8D2424", "668D27", "8B2424", "890424", "668B2424", "030424", // LEA, the stack pointer
        "F00107", "F0FF07", "F00FC107", "F00FB10F", "F00FC70F", "870F", "0FC70F", // LOCK
        "D907", "DD17", "DB2F", "DF27", "DF37", "D93F", "D92F", "DFE0", "9B", "DBE3", "DEC1", // x87
        "0F2807", "0F2907", "660F6F07", "F30F1007", "0FE707", "0F6007", "0FAE17", "0FAE1F", "C5FC1007", "C5FC1107", "C5F877", // vectors
        "8B0789078B0F890F01D87510", "0107110719072107", "50515253555657E810000000", "585B5AC3", // longer
        "0F18070F1F00F30F1EFA90", "0FA307", "A4", "F3AB", "0F05", "0F34", "0F01F8", // hints, footprint, system
        "A110000000", "A31000", "A0100000000000", "0FBAE105", "0FBA2F05", "0FC807", // moffs, bits
    ];

    private static readonly string[] Only64 =
    [
        "488B07", "4C890F", "4D8B0B", "4F8D1C0A", "4B8B0411", "4D010B", "4D870A", "498B0424", "4D8B5308", "4C8B1425", "488B0510000000",
        "4151", "4152", "4153", "4159", "415A", "415B", "41FFD1", "41FFE2", "41FF11", "41FF23", "66415A", "418F02", "41FF32", "4C0FB110",
        "4D0FB113", "45884A01", "458A5301", "4D0FAFD3", "490FC7CA", "C442ABF7D1", "C442ABF6D3", "C462ABF607", "4D8D19", "668D1C24", "664D0F6EDA",
        "4C8D1C24", "67448D1424", "4863C7", "4D63CA", "660F3A16C301", "66450F3A16C301", "66440F3A2017FF", "C4C1F92AD2", "F24D0F2AC2",
        "480FC70F", "F0480FC70F", "0FAE07", "48B81122334455667788", "49B91122334455667788", "49C7C1FFFFFFFF", "66636700", "666307",
        "40887424FF", "40887C2401", "4489442401", "4889642408", "48896424F8", "4829E4", "4801CC", "4883EC08", "488D642408", "48C7042400000000",
        "EB00", "E8FBFFFFFF", "65488B042500000000", "64488B042528000000", "FF1425100000FF", "FF2510000000", "FF1510000000",
    ];

    private static readonly string[] Only32 =
    [
        "40", "48", "4C", "60", "61", "06", "07", "1E", "C8100000", "D40A", "27", "8B4424", "8B442408", "8A4001", "FF25", "FF15100000FF",
        "9A000000000000", "EA00000000", "C51F", "0E", "62", "82C005",
    ];
}
