using System.Buffers.Binary;
using Bulkhead.Abi.Fuse;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>A guest that asks for anything: it is answered, nothing is thrown, nothing outside changes, everything is bounded.</summary>
public sealed class FuseHostileTests
{
    private static readonly uint[] s_opcodes = [.. Enum.GetValues<FuseOpcode>().Where(static o => o != FuseOpcode.SyncAll).Select(static o => (uint)o)];
    private static readonly string[] s_names = ["a", "b", "c", "..", ".", "", "../outside", "l", "x/y", new string('z', 255), new string('z', 256)];
    private static readonly ulong[] s_numbers = [0, 1, 2, 3, 4, 5, 7, 4096, 1 << 20, int.MaxValue, uint.MaxValue, long.MaxValue, ulong.MaxValue, 1ul << 63];

    [Fact]
    public void AnyHistory_IsAnswered_AndTheFolderStaysOne()
    {
        Gen<(uint Opcode, ulong Node, FuseBody Body)> step = Gen.Select(Gen.Int[0, s_opcodes.Length - 1].Select(static i => s_opcodes[i]), Node, Body, static (o, n, b) => (o, n, b));
        step.Array[1, 80].Sample(Run, iter: 250, threads: 1);
    }

    [Fact]
    public void AnyBytes_BehindAHeader_AreAnswered() =>
        Gen.Select(Gen.Int[0, s_opcodes.Length - 1].Select(static i => s_opcodes[i]), Node, Gen.Byte.Array[0, 120], static (o, n, b) => (o, n, new FuseBody().Data(b)))
            .Array[1, 80].Sample(Run, iter: 250, threads: 1);

    [Fact]
    public void EveryRequest_CutAnywhere_IsAnswered()
    {
        using var guest = new FuseClient();
        byte[] answer = new byte[8192];
        byte[] body = new FuseBody().U64(1, 1, 1, 1, 1, 1, 1).Text("a").Text("b").Bytes;
        foreach (uint opcode in s_opcodes.Where(static o => o is not (uint)FuseOpcode.Destroy))
        {
            for (int length = 0; length <= body.Length; length++)
            {
                byte[] request = FuseClient.Request((FuseOpcode)opcode, FuseClient.Root, new FuseBody().Data(body.AsSpan(0, length)));
                AssertAnswer(guest.Server.Serve(request, answer), answer);
                AssertAnswer(guest.Server.Serve(request, answer.AsSpan(0, 16 + length)), answer);
            }
        }

        Assert.Equal("secret", File.ReadAllText(guest.Outside));
    }

    private static Gen<ulong> Node => Gen.Frequency((8, Gen.ULong[1, 8]), (1, Gen.Int[0, s_numbers.Length - 1].Select(static i => s_numbers[i])));

    private static Gen<FuseBody> Body
    {
        get
        {
            Gen<Action<FuseBody>> word = Gen.Frequency(
                (4, Gen.Int[0, s_numbers.Length - 1].Select(static i => s_numbers[i]).Select<ulong, Action<FuseBody>>(static n => b => b.U64(n))),
                (4, Gen.UInt[0, 8].Select<uint, Action<FuseBody>>(static n => b => b.U32(n))),
                (2, Gen.UInt.Select<uint, Action<FuseBody>>(static n => b => b.U32(n))),
                (5, Gen.Int[0, s_names.Length - 1].Select(static i => s_names[i]).Select<string, Action<FuseBody>>(static n => b => b.Text(n))));
            return word.Array[0, 8].Select(static words =>
            {
                var body = new FuseBody();
                foreach (Action<FuseBody> w in words)
                {
                    w(body);
                }

                return body;
            });
        }
    }

    private static void Run((uint Opcode, ulong Node, FuseBody Body)[] steps)
    {
        using var guest = new FuseClient(inMemory: true);
        byte[] answer = new byte[4096];
        guest.MakeFolder(FuseClient.Root, "a").Good();
        guest.Create(FuseClient.Root, "b").Good();
        guest.MakeSymbolicLink(FuseClient.Root, "l", "../outside").Good();
        foreach ((uint opcode, ulong node, FuseBody body) in steps)
        {
            AssertAnswer(guest.Server.Serve(FuseClient.Request((FuseOpcode)opcode, node, body), answer), answer);
        }

        guest.Begin(guest.Server);
        Assert.Equal("secret", File.ReadAllText(guest.Outside));
        Assert.Equal(2, Directory.GetFileSystemEntries(Path.GetDirectoryName(guest.Folder)!).Length); // it has one above it
    }

    private static void AssertAnswer(int count, byte[] answer)
    {
        Assert.InRange(count, 0, answer.Length);
        if (count > 0)
        {
            Assert.Equal(count, BinaryPrimitives.ReadInt32LittleEndian(answer));
            Assert.InRange(BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(4)), -133, 0);
        }
    }
}
